import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a as n}from"./chunk-VZB57F4J.js";function c(...r){return`| ${r.join(" | ")} |`}function o(r){let e=t(r).replaceAll("`","'").replaceAll(/\\*\|/g,"\\|");return e===""?"":`\`${e}\``}function s(r){return t(r).replace(/[\\`*_{}[\]<>#|~&$]/g,"\\$&").replace(/^[-=+]/,"\\$&").replace(/^(\d+)([.)])(?=\s|$)/,"$1\\$2")}var t=r=>n(r.replace(/\s*[\r\n]+\s*/g," ").trim()),g=(r,e)=>`> [!${r}]
> ${s(e)}`;export{c as a,o as b,s as c,g as d};
