import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-FP3CEEB5.js";import"./chunk-NDO23ZO4.js";import"./chunk-5IH2H2LB.js";import"./chunk-XFON4G52.js";import"./chunk-IL2XVRLP.js";import"./chunk-DV2G27OJ.js";import"./chunk-A4J5M54F.js";export{a as readSubject};
