import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-JAUIUFXA.js";import"./chunk-TUPRA4P4.js";import"./chunk-HXW3TNR2.js";import"./chunk-OVDNGDJC.js";import"./chunk-2WE6AOE5.js";import"./chunk-Q7LJAMA3.js";import"./chunk-XFON4G52.js";import"./chunk-DV2G27OJ.js";import"./chunk-A4J5M54F.js";export{a as audit};
