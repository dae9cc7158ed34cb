import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{i as a,j as b}from"./chunk-OUJRRI5P.js";import"./chunk-WLRXZVTJ.js";import"./chunk-5S4SSVN7.js";import"./chunk-A4J5M54F.js";export{b as openConnection,a as usualPatience};
