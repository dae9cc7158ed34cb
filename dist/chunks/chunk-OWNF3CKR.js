import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a as o}from"./chunk-VZB57F4J.js";import{e as u}from"./chunk-AU6HELMK.js";var x=4;function k(){let t=new Set,n=e=>{let r=e;for(let $ of t)r=r.replaceAll($,"***");return r.replaceAll(/(\bhttps?:\/\/)[^\s/?#"'<>]+@/gi,"$1***@")},s=e=>L(n(a(f(e))).split(/\r?\n/)).map(r=>d(m(o(r))));return{hide(e){for(let r of[e,...e.split(/\r?\n/)])r.trim().length>=x&&t.add(r.trim())},lines:s,text:e=>s(e).join(`
`),line:e=>d(m(o(n(a(f(e)))))),document:e=>T(n(e).split(`
`).map(o).join(`
`))}}var w=/\u001b\[[\d;:]*[mK]/g,a=t=>t.replaceAll(w,""),i=String.raw`(?:[^\p{L}\p{N}\p{P}\p{S}]|\p{DI})*`,b=new RegExp(`^(${i}):(${i}):`,"u"),S=new RegExp(String.raw`#(${i})#(${i})\[`,"gu"),m=t=>t.replace(b,"$1\\:$2:").replaceAll(S,"#$1#$2\\["),{text:c,line:g,lines:p,document:l}=u.printed,f=t=>t.length<=c?t:`${t.slice(0,c)}
${h(t,c)}`,d=t=>t.length<=g?t:`${t.slice(0,g).toWellFormed()}\u2026 ${h(t,g)}`,h=(t,n)=>`(${t.length-n} more characters are left out)`;function L(t){if(t.length<=p)return t;let n=Math.floor(p/2);return[...t.slice(0,n),`(${t.length-2*n} lines are left out)`,...t.slice(-n)]}function T(t){let n=Buffer.from(t);if(n.length<=l)return t;let s=n.lastIndexOf(`
`,l);return`${n.subarray(0,Math.max(s,0)).toString()}

The rest is left out: a summary holds ${l} bytes.
`}export{k as a};
