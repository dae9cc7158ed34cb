import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-LZRIVL6Z.js";import"./chunk-TUPRA4P4.js";import"./chunk-HXW3TNR2.js";import"./chunk-OVDNGDJC.js";import"./chunk-WMDCGWJZ.js";import"./chunk-XQUD3IXB.js";import"./chunk-XFON4G52.js";import"./chunk-AU6HELMK.js";import"./chunk-A4J5M54F.js";export{a as audit};
