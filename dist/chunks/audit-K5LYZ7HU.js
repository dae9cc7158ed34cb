import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-U2EZUS2Z.js";import"./chunk-TUPRA4P4.js";import"./chunk-HXW3TNR2.js";import"./chunk-OVDNGDJC.js";import"./chunk-FEJWQMNP.js";import"./chunk-ECASULIF.js";import"./chunk-XFON4G52.js";import"./chunk-5S4SSVN7.js";import"./chunk-A4J5M54F.js";export{a as audit};
