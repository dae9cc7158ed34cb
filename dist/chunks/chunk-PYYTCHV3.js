import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
function e({GITHUB_SERVER_URL:t}){let r=t?URL.parse(t)?.host:"github.com";if(r)return{host:r,registry:r==="github.com"?"ghcr.io":`containers.${r}`}}export{e as a};
