import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a as r,b as i}from"./chunk-A4J5M54F.js";var o=i((p,e)=>{e.exports=r("node:http")});export{o as a};
