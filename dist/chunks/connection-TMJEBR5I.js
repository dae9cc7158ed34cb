import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{i as a}from"./chunk-CO7DTJ5B.js";import"./chunk-WLRXZVTJ.js";import"./chunk-AU6HELMK.js";import"./chunk-A4J5M54F.js";export{a as openConnection};
