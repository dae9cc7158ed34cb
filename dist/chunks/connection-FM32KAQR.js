import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{e as a,f as b}from"./chunk-7IICS6LE.js";import"./chunk-WLRXZVTJ.js";import"./chunk-NKGLXJQJ.js";import"./chunk-A4J5M54F.js";export{b as openConnection,a as usualPatience};
