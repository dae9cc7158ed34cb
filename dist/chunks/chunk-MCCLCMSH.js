import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a as d,b as u,c as m,d as p,e as g,f,g as $,h}from"./chunk-DLIRXWVE.js";import{a as i,b as l,c as e}from"./chunk-6IN2CL4Y.js";function x(n){let t=h(n.findings);return["### Where packages come from",e(g(n)),w(n),...j(n),...t===void 0?[]:[`### What will hurt: ${t}`],...$(n.findings).map(R),...C(n),...n.unchecked.map(e)]}function w(n){let{layers:t,total:o}=d(n),r=t.map(m).map(([s="",...c])=>i(l(s),...c)),[,...a]=m(o);return[i(...u),`|:--|${"--:|".repeat(u.length-1)}`,...r,i("**total**",...a)].join(`
`)}function j(n){let t=p(n);return t.length===0?[]:["<details><summary>Packages</summary>",t.map(({title:o,names:r})=>`- **${e(o)}**: ${r.map(e).join(", ")}`).join(`
`),"</details>"]}var A={error:"\u{1F534}",warning:"\u{1F7E0}",note:"\u{1F535}"};function R({rule:n,severity:t,messages:o,cost:r,advice:a}){let[s,...c]=o.map(e),y=c.length===0?s??"":`
${[s,...c].map(k=>`  - ${k}`).join(`
`)}
`;return`- ${A[t]} **${n}** ${y}
  *Costs:* ${e(r)} *Do:* ${e(a)}`}function C({unfree:n}){if(n.length===0)return[];let t=n.map(({name:o,version:r="",licence:a,layer:s})=>i(l(o),e(r),e(a),l(s)));return[`<details><summary>${f(n.length,"package")} with a licence that is not free</summary>`,[i("package","version","licence","layer"),"|:--|:--|:--|:--|",...t].join(`
`),"</details>"]}export{x as a};
