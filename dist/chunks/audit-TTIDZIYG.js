import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a}from"./chunk-2GT5BZKF.js";import"./chunk-TUPRA4P4.js";import"./chunk-XPWZ4TOY.js";import"./chunk-IGBXD6RD.js";import"./chunk-XBIGJOQN.js";import"./chunk-NKGLXJQJ.js";import"./chunk-A4J5M54F.js";export{a as audit};
