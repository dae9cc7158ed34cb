import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
function t(...r){return`| ${r.join(" | ")} |`}function s(r){return`\`${r.replace(/[\r\n]+/g," ").replaceAll("`","'").replaceAll("|","\\|")}\``}function n(r){return r.replace(/[\r\n]+/g," ").replace(/[\\`*_{}[\]<>()#+!|~]/g,"\\$&")}var c=(r,e)=>`> [!${r}]
> ${n(e)}`;export{t as a,s as b,n as c,c as d};
