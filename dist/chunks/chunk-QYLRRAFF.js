import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
function e(i,n){n>4&&(i.UV_THREADPOOL_SIZE??=String(Math.min(n,64)))}export{e as a};
