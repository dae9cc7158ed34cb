import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{e as a,f as b}from"./chunk-TI35VV5S.js";import"./chunk-A4J5M54F.js";export{a as exec,b as getExecOutput};
