import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-QS6DJOLP.js";import"./chunk-X7UNT6J4.js";import"./chunk-GHJV2DJX.js";import"./chunk-HXW3TNR2.js";import"./chunk-CO7DTJ5B.js";import"./chunk-WLRXZVTJ.js";import"./chunk-AU6HELMK.js";import"./chunk-A4J5M54F.js";export{a as openHttp};
