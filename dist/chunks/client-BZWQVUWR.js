import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-74QQBDND.js";import"./chunk-UIFH3I3E.js";import"./chunk-MDRVQDCN.js";import"./chunk-WLRXZVTJ.js";import"./chunk-NKGLXJQJ.js";import"./chunk-A4J5M54F.js";export{a as openHttp};
