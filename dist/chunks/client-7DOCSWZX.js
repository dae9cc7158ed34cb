import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-UJIKIBEV.js";import"./chunk-SDOPDNNG.js";import"./chunk-235Q4IAL.js";import"./chunk-HXW3TNR2.js";import"./chunk-OUJRRI5P.js";import"./chunk-WLRXZVTJ.js";import"./chunk-5S4SSVN7.js";import"./chunk-A4J5M54F.js";export{a as openHttp};
