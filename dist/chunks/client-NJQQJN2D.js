import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-FJGK5WZS.js";import"./chunk-72HPR6CX.js";import"./chunk-JXPXY4KG.js";import"./chunk-HXW3TNR2.js";import"./chunk-3L3ZZORZ.js";import"./chunk-WLRXZVTJ.js";import"./chunk-DV2G27OJ.js";import"./chunk-A4J5M54F.js";export{a as openHttp};
