import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
var e=["nixpkgs","wheel","source","build-network","start-network"],r=["error","warning","note"];export{e as a,r as b};
