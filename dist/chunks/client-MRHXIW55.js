import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-YPZSA2MG.js";import"./chunk-L5AVUO6A.js";import"./chunk-JXPXY4KG.js";import"./chunk-HXW3TNR2.js";import"./chunk-GGMGVKTO.js";import"./chunk-WLRXZVTJ.js";import"./chunk-DV2G27OJ.js";import"./chunk-A4J5M54F.js";export{a as openHttp};
