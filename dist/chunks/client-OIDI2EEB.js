import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-F3RDHWCO.js";import"./chunk-MGERB7GG.js";import"./chunk-7IICS6LE.js";import"./chunk-WLRXZVTJ.js";import"./chunk-NKGLXJQJ.js";import"./chunk-A4J5M54F.js";export{a as openHttp};
