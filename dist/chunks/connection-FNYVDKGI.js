import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{i as a,j as b}from"./chunk-3L3ZZORZ.js";import"./chunk-WLRXZVTJ.js";import"./chunk-DV2G27OJ.js";import"./chunk-A4J5M54F.js";export{b as openConnection,a as usualPatience};
