import{__toESM as e}from"./rolldown-runtime.js";import{compareRecords as t,layerOrigin as n,layerSums as r}from"./shared-prepare.js";import{require__node_crypto as i}from"./shared-node.js";import{escaped as a}from"./shared-launch.js";import{cacheRows as o,diskLine as s,layerCells as c,layerWork as l,nextSteps as u,otherWarnings as ee,packLanes as d,packageChanges as f,runSentence as p,runTitle as m,spanName as h,spansByLayer as g,totalCells as _,wouldPushSentence as v}from"./shared-work.js";import{formatBytes as y,formatMoment as b,formatSeconds as x,plural as S}from"./shared-start.js";var C=e(i(),1);function w(e,...t){return e.reduce((e,n,r)=>`${e}${E(t[r-1]??``)}${n}`)}const T=(...e)=>({html:e});function E(e){return typeof e==`object`?[e.html].flat().join(``):D(String(e))}const D=e=>a(e).replace(/[&<>"'`]/g,e=>`&#${e.charCodeAt(0)};`),O=e=>JSON.stringify(e,(e,t)=>typeof t==`string`?a(t):t).replace(/[<>&]/g,e=>`\\u${e.charCodeAt(0).toString(16).padStart(4,`0`)}`),k=e=>`'sha256-${(0,C.createHash)(`sha256`).update(e).digest(`base64`)}'`,A=[`build`,`fetch`,`pack`,`send`,`other`,`failed`];function j(e,t){let n=new Set(l(e).filter(({isCritical:e})=>e).map(({layer:e})=>e.name)),r=new Map(e.layers.map(({name:e,seconds:t})=>[e,t])),i=g(e).map(([e,t])=>({name:e,spans:t,lanes:d(t)}));return{seconds:F(e.seconds),rows:i.map(({name:t,lanes:i})=>({name:t??`the run`,seconds:F(t===void 0?e.seconds:r.get(t)??0),lanes:i.reduce((e,t)=>Math.max(e,t+1),0),isCritical:t!==void 0&&n.has(t)})),bars:M(i.flatMap(({spans:e,lanes:t},n)=>e.map((e,r)=>({span:e,row:n,lane:t[r]??0})))),history:[e,...t].map(P).reverse()}}function M(e){return{name:e.map(({span:e})=>h(e)),row:e.map(({row:e})=>e),lane:e.map(({lane:e})=>e),kind:e.map(({span:e})=>A.indexOf(N(e))),start:e.map(({span:e})=>F(e.start)),seconds:e.map(({span:e})=>F(e.seconds)),place:e.map(({span:e})=>e.machine??e.cache??``)}}function N({kind:e,ended:t}){return t===`failed`?`failed`:e===`build`?e:e===`substitute`||e===`restore`||e===`inputs`?`fetch`:e===`pack`||e===`compress`?`pack`:e===`upload`||e===`cache-push`?`send`:`other`}const P=({startedAt:e,seconds:t,sentBytes:n,outcome:r})=>({startedAt:e,seconds:F(t),sentBytes:n,outcome:r}),F=e=>Math.round(e*1e3)/1e3;function I(e,t,r){let i=Math.max(1,...[e,t].flatMap(e=>e?.layers.map(R)??[])),a=new Map(t?.layers.map(e=>[e.name,R(e)])),o=new Map(r?.layers.map(e=>[e.name,e])),s=e.layers.map(e=>{let t=c(e,o.get(e.name));return w`<tr><th scope="row">${e.name}</th><td>${n(e)}</td>${T(...t.map(z))}<td class="bars">${T(B(R(e),a.get(e.name),i))}</td></tr>
`});return w`<section aria-labelledby="layers-title">
<h2 id="layers-title">Layers</h2>
<p>${L(t,r)}</p>
<div class="wide" tabindex="0" role="region" aria-labelledby="layers-title"><table>
<thead><tr><th scope="col">layer</th><th scope="col">origin</th><th scope="col" class="number">time</th><th scope="col" class="number">change</th><th scope="col" class="number">size</th><th scope="col" class="number">change</th><th scope="col" class="number">sent</th><th scope="col"><span class="unseen">size as a bar</span></th></tr></thead>
<tbody>
${T(...s)}</tbody>
<tfoot><tr><th scope="row">total</th><td></td>${T(..._(e,r).map(z))}<td></td></tr></tfoot>
</table></div>
</section>
`}function L(e,t){if(e===void 0)return`There is no run to compare with.`;let{pullBytes:n}=t??{},r=n===void 0?``:` A host that has that image pulls ${y(n)}.`;return`▲▼ against the run of ${b(e.startedAt)}; the paler bar is its size.${r}`}const R=e=>r(e).size,z=e=>w`<td class="number">${e}</td>`;function B(e,t,n){let r=e=>Math.round(e/n*1e3)/10;return w`<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="now" y="0" height="6" width="${r(e)}"/><rect class="before" y="7" height="3" width="${r(t??0)}"/></svg>`}function V({spans:e}){return e.toSorted((e,t)=>t.seconds-e.seconds).slice(0,50).map(e=>w`<tr><th scope="row">${h(e)}</th><td>${e.layer??``}</td><td>${e.machine??e.cache??``}</td>${T(z(x(e.start)),z(x(e.seconds)))}</tr>
`)}const H=4e3;function U(e,t){let n=t===void 0?[]:f(t),r=e.layers.flatMap(({name:e,packages:t=[]})=>t.map(t=>({...t,layer:e}))).slice(0,H);if(n.length+r.length===0)return w``;let i=n.slice(0,H).map(({name:e,layer:t,change:n})=>w`<tr><th scope="row">${e}</th><td>${n}</td><td>${t}</td></tr>\n`),a=r.map(({name:e,version:t,layer:n})=>w`<tr><th scope="row">${e}</th><td>${t}</td><td>${n}</td></tr>\n`);return w`<section aria-labelledby="packages-title">
<h2 id="packages-title">Packages</h2>
${T(W(i,t!==void 0))}<details><summary>${S(r.length,`package`)} in all</summary>
${T(G([`package`,`version`,`layer`],a))}</details>
</section>
`}function W(e,t){if(e.length===0)return t?w`<p>None has changed since last time.</p>\n`:w``;let n=G([`package`,`change since last time`,`layer`],e);return e.length<=20?n:w`<details><summary>${e.length} changed since last time</summary>
${T(n)}</details>
`}function G(e,t){return w`<div class="wide"><table>
<thead><tr>${T(...e.map(e=>w`<th scope="col">${e}</th>`))}</tr></thead>
<tbody>
${T(...t)}</tbody>
</table></div>
`}function K(e){let t=e.map(({startedAt:e,outcome:t,seconds:n,sentBytes:r,layers:i})=>w`<tr><th scope="row">${b(e)}</th><td>${t}</td>${T(z(x(n)),z(y(r)),z(`${i.filter(({origin:e})=>e===`reused`).length} of ${i.length}`))}</tr>\n`);return w`<details><summary>As a table</summary>
${T(G([`begun at`,`outcome`,`time`,`sent`,`layers reused`],t))}</details>
`}const q=({memory:e,cpuSeconds:t})=>`${y(e)} of memory, ${x(t)} of CPU`;function J(e){let{nix:t,program:n,node:r,inputs:i=[],usage:a}=e,c=s(e),l=[[`made by`,`${n}, Nix ${t.version} (${t.system}), Node ${r}`],[`begun at`,e.startedAt],...a===void 0?[]:[[`this program`,q(a)]],...o(e).map(([e,t,n])=>[e,`${t}: ${n}`]),...c===void 0?[]:[[`disk`,c]],...i.map(({name:e,url:t,revision:n=``})=>[`input ${e}`,`${t} ${n}`.trim()])].map(([e,t])=>w`<tr><th scope="row">${e}</th><td>${t}</td></tr>\n`);return w`<section aria-labelledby="facts-title">
<h2 id="facts-title">Caches, inputs, versions</h2>
${T(G([`of what`,`what is known`],l))}</section>
`}function Y(e,{script:t,style:n}){let{record:r}=e,i=m(r),a=w`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${`default-src 'none'; script-src ${k(t)}; style-src ${k(n)}; base-uri 'none'; form-action 'none'`}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${i}</title>
`,o=O(j(r,e.earlier));return[a,`<style>${n}</style>\n</head>\n<body>\n`,X(e,i),`<script type="application/json" id="data">${o}<\/script>\n`,`<script>${t}<\/script>\n</body>\n</html>\n`].join(``)}function X({record:e,previous:n,earlier:r},i){let a=n&&t(n,e);return w`<header>
<h1>${i}</h1>
<p class="lead">${p(e)}</p>
${T(...Z(e))}</header>
<main>
${T($(),I(e,n,a),te(e))}
${T(U(e,a),re([e,...r]),J(e))}
${T(ie(e))}</main>
<div id="tip" hidden></div>
`}function Z(e){let{failure:t,notPushed:n,notCached:r}=e,i=v(e);return[...t===void 0?[]:[w`<pre class="failure">${t}</pre>\n`],...[n,i,r].filter(e=>e!==void 0).map(e=>w`<p class="note">${e}</p>\n`),...ee(e).map(e=>w`<p class="warning">${e}</p>\n`)]}const Q={build:`building`,fetch:`fetching`,pack:`packing`,send:`sending`,other:`other work`,failed:`failed`};function $(){let e=A.map(e=>w`<li class="kind-${e}">${Q[e]}</li>`);return w`<section aria-labelledby="time-line-title">
<h2 id="time-line-title">Time line</h2>
<div class="tools" id="time-line-tools" hidden>
<label>Layer <select id="time-line-layer"><option value="">all</option></select></label>
<span class="buttons"><button type="button" value="in" aria-label="Zoom in">+</button>
<button type="button" value="out" aria-label="Zoom out">−</button>
<button type="button" value="left" aria-label="Earlier">←</button>
<button type="button" value="right" aria-label="Later">→</button>
<button type="button" value="all">All</button></span>
<output id="time-line-shown"></output>
</div>
<ul class="legend">${T(...e)}<li class="critical">on the critical path</li></ul>
<div id="time-line-chart" tabindex="0" role="group" aria-label="Time line. Plus and minus zoom, arrow keys move, 0 shows all of it. The table What took time says the same."></div>
</section>
`}function te(e){return w`<section aria-labelledby="work-title">
<h2 id="work-title">What took time</h2>
<div class="tools" id="work-tools" hidden>
<label>Search <input id="work-search" type="search" autocomplete="off" spellcheck="false"></label>
<output id="work-count"></output>
</div>
<div class="wide" tabindex="0" role="region" aria-labelledby="work-title"><table>
<thead><tr><th scope="col">work</th><th scope="col">layer</th><th scope="col">where</th><th scope="col" class="number">begun at</th><th scope="col" class="number">time</th></tr></thead>
<tbody id="work-rows">${T(...V(e))}</tbody>
</table></div>
<button type="button" id="work-more" hidden>More</button>
${T(...ne(e))}</section>
`}function ne({spansLeftOut:e}){if(e===void 0)return[];let{count:t,seconds:n}=e;return[w`<p>${t} shorter ones, ${x(n)} in all, are not on record.</p>\n`]}function re(e){return e.length<2?w``:w`<section aria-labelledby="history-title">
<h2 id="history-title">The last runs</h2>
<ul class="legend"><li class="kind-build">time</li><li class="kind-send">bytes sent</li></ul>
<div id="history-chart" role="img" aria-label="Time and sent bytes of the last ${e.length} runs; the table below says the same."></div>
${T(K(e))}</section>
`}function ie(e){let t=u(e);if(t===void 0)return w``;let n=t.commands.length===0?[]:[w`<pre>${t.commands.join(`
`)}</pre>\n`];return w`<section aria-labelledby="next-title">
<h2 id="next-title">What next</h2>
${T(...n)}${T(...t.notes.map(e=>w`<p>${e.replaceAll("`",``)}</p>\n`))}</section>
`}export{Y as pageHtml};