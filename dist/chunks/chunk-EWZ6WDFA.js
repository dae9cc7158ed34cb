import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{b as g,c as p,d as u,e as m,f as d,g as f,h as $,i as h}from"./chunk-NIQNJT4S.js";function i(...n){return`| ${n.join(" | ")} |`}function l(n){return`\`${n.replace(/[\r\n]+/g," ").replaceAll("`","'").replaceAll("|","\\|")}\``}function e(n){return n.replace(/[\r\n]+/g," ").replace(/[\\`*_{}[\]<>()#+!|~]/g,"\\$&")}function G(n){let t=h(n.findings);return["### Where packages come from",e(d(n)),A(n),...j(n),...t===void 0?[]:[`### What will hurt: ${t}`],...$(n.findings).map(x),...R(n),...n.unchecked.map(e)]}function A(n){let{layers:t,total:r}=g(n),o=t.map(u).map(([s="",...a])=>i(l(s),...a)),[,...c]=u(r);return[i(...p),`|:--|${"--:|".repeat(p.length-1)}`,...o,i("**total**",...c)].join(`
`)}function j(n){let t=m(n);return t.length===0?[]:["<details><summary>Packages</summary>",t.map(({title:r,names:o})=>`- **${e(r)}**: ${o.map(e).join(", ")}`).join(`
`),"</details>"]}var w={error:"\u{1F534}",warning:"\u{1F7E0}",note:"\u{1F535}"};function x({rule:n,severity:t,messages:r,cost:o,advice:c}){let[s,...a]=r.map(e),y=a.length===0?s??"":`
${[s,...a].map(k=>`  - ${k}`).join(`
`)}
`;return`- ${w[t]} **${n}** ${y}
  *Costs:* ${e(o)} *Do:* ${e(c)}`}function R({unfree:n}){if(n.length===0)return[];let t=n.map(({name:r,version:o="",licence:c,layer:s})=>i(l(r),e(o),e(c),l(s)));return[`<details><summary>${f(n.length,"package")} with a licence that is not free</summary>`,[i("package","version","licence","layer"),"|:--|:--|:--|:--|",...t].join(`
`),"</details>"]}export{i as a,l as b,e as c,G as d};
