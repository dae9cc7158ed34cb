import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-4MBJBFH4.js";import"./chunk-DZKYO4KW.js";import"./chunk-PIM57RKE.js";import"./chunk-NKGLXJQJ.js";import"./chunk-WLRXZVTJ.js";import"./chunk-A4J5M54F.js";export{a as openHttp};
