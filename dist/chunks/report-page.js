import{__toESM as e}from"./rolldown-runtime.js";import{cacheRows as t,changeText as n,compareRecords as r,diskLine as i,formatBytes as a,formatSeconds as o,layerChanges as s,layerOrigin as c,layerSums as l,layerWork as u,nextSteps as d,otherWarnings as f,packageChanges as p,plural as m,runSentence as h,runTitle as g,storedSize as _,wouldPushSentence as v}from"./shared-start.js";import{require__node_crypto as y}from"./shared-node.js";import{escaped as b}from"./shared-launch.js";import{packLanes as x,spanName as S}from"./shared-work.js";var C=e(y(),1);function w(e,...t){return e.reduce((e,n,r)=>`${e}${E(t[r-1]??``)}${n}`)}const T=(...e)=>({html:e});function E(e){return typeof e==`object`?[e.html].flat().join(``):D(String(e))}const D=e=>b(e).replace(/[&<>"'`]/g,e=>`&#${e.charCodeAt(0)};`),O=e=>JSON.stringify(e).replace(/[<>&\u2028\u2029]/g,e=>`\\u${e.charCodeAt(0).toString(16).padStart(4,`0`)}`),k=e=>`'sha256-${(0,C.createHash)(`sha256`).update(e).digest(`base64`)}'`,A=[`build`,`fetch`,`pack`,`send`,`other`,`failed`];function j(e,t){let n=new Set(u(e).filter(({isCritical:e})=>e).map(({layer:e})=>e.name)),r=Map.groupBy(e.spans,({layer:e})=>e),i=[void 0,...e.layers.map(({name:e})=>e).filter(e=>r.has(e))].map(e=>{let t=r.get(e)??[];return{name:e,spans:t,lanes:x(t)}});return{seconds:F(e.seconds),rows:i.map(({name:e,lanes:t})=>({name:e??`the run`,lanes:t.reduce((e,t)=>Math.max(e,t+1),0),isCritical:e!==void 0&&n.has(e)})),bars:M(i.flatMap(({spans:e,lanes:t},n)=>e.map((e,r)=>({span:e,row:n,lane:t[r]??0})))),history:[e,...t].map(P).reverse()}}function M(e){return{name:e.map(({span:e})=>S(e)),row:e.map(({row:e})=>e),lane:e.map(({lane:e})=>e),kind:e.map(({span:e})=>A.indexOf(N(e))),start:e.map(({span:e})=>F(e.start)),seconds:e.map(({span:e})=>F(e.seconds)),place:e.map(({span:e})=>e.machine??e.cache??``)}}function N({kind:e,ended:t}){return t===`failed`?`failed`:e===`build`?e:e===`substitute`||e===`restore`||e===`inputs`?`fetch`:e===`pack`||e===`compress`?`pack`:e===`upload`||e===`cache-push`?`send`:`other`}const P=({startedAt:e,seconds:t,sentBytes:n,outcome:r})=>({startedAt:e,seconds:F(t),sentBytes:n,outcome:r}),F=e=>Math.round(e*1e3)/1e3;function I(e,t,r){let i=Math.max(1,...[e,t].flatMap(e=>e?.layers.map(L)??[])),u=new Map(t?.layers.map(e=>[e.name,L(e)])),d=new Map(r?.layers.map(e=>[e.name,e])),f=e.layers.map(e=>{let[t,n]=s(d.get(e.name));return w`<tr><th scope="row">${e.name}</th><td>${c(e)}</td>${T(R(e.seconds===0?`–`:o(e.seconds)),R(t),R(e.blobs.length===0?`–`:a(L(e))),R(n),R(a(l(e).sent)))}<td class="bars">${T(z(L(e),u.get(e.name),i))}</td></tr>
`});return w`<section aria-labelledby="layers-title">
<h2 id="layers-title">Layers</h2>
<p>${t===void 0?`There is no run to compare with.`:`▲▼ against the run of ${t.startedAt.slice(0,16).replace(`T`,` `)}; the paler bar is its size.`}${r?.pullBytes===void 0?``:` A host that has that image pulls ${a(r.pullBytes)}.`}</p>
<div class="wide" tabindex="0" role="region" aria-labelledby="layers-title"><table>
<thead><tr><th scope="col">layer</th><th scope="col">origin</th><th scope="col" class="number">time</th><th scope="col" class="number">change</th><th scope="col" class="number">size</th><th scope="col" class="number">change</th><th scope="col" class="number">sent</th><th scope="col"><span class="unseen">size as a bar</span></th></tr></thead>
<tbody>
${T(...f)}</tbody>
<tfoot><tr><th scope="row">total</th><td></td>${T(R(o(e.seconds)),R(n(r?.seconds,o)),R(a(_(e))),R(n(r?.size,a)),R(a(e.sentBytes)))}<td></td></tr></tfoot>
</table></div>
</section>
`}const L=e=>l(e).size,R=e=>w`<td class="number">${e}</td>`;function z(e,t,n){let r=e=>Math.round(e/n*1e3)/10;return w`<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="now" y="0" height="6" width="${r(e)}"/><rect class="before" y="7" height="3" width="${r(t??0)}"/></svg>`}function ee({spans:e}){return e.toSorted((e,t)=>t.seconds-e.seconds).slice(0,50).map(e=>w`<tr><th scope="row">${S(e)}</th><td>${e.layer??``}</td><td>${e.machine??e.cache??``}</td>${T(R(o(e.start)),R(o(e.seconds)))}</tr>
`)}const B=4e3;function V(e,t){let n=t===void 0?[]:p(t),r=e.layers.flatMap(({name:e,packages:t=[]})=>t.map(t=>({...t,layer:e}))).slice(0,B);if(n.length+r.length===0)return w``;let i=n.slice(0,B).map(({name:e,layer:t,change:n})=>w`<tr><th scope="row">${e}</th><td>${n}</td><td>${t}</td></tr>\n`),a=r.map(({name:e,version:t,layer:n})=>w`<tr><th scope="row">${e}</th><td>${t}</td><td>${n}</td></tr>\n`);return w`<section aria-labelledby="packages-title">
<h2 id="packages-title">Packages</h2>
${T(H(i,t!==void 0))}<details><summary>${m(r.length,`package`)} in all</summary>
${T(U([`package`,`version`,`layer`],a))}</details>
</section>
`}function H(e,t){if(e.length===0)return t?w`<p>None has changed since last time.</p>\n`:w``;let n=U([`package`,`change since last time`,`layer`],e);return e.length<=20?n:w`<details><summary>${e.length} changed since last time</summary>
${T(n)}</details>
`}function U(e,t){return w`<div class="wide"><table>
<thead><tr>${T(...e.map(e=>w`<th scope="col">${e}</th>`))}</tr></thead>
<tbody>
${T(...t)}</tbody>
</table></div>
`}function W(e){let t=e.map(({startedAt:e,outcome:t,seconds:n,sentBytes:r,layers:i})=>w`<tr><th scope="row">${e.slice(0,16).replace(`T`,` `)}</th><td>${t}</td>${T(R(o(n)),R(a(r)),R(`${i.filter(({origin:e})=>e===`reused`).length} of ${i.length}`))}</tr>\n`);return w`<details><summary>As a table</summary>
${T(U([`begun at (UTC)`,`outcome`,`time`,`sent`,`layers reused`],t))}</details>
`}const G=({memory:e,cpuSeconds:t})=>`${a(e)} of memory, ${o(t)} of CPU`;function K(e){let{nix:n,program:r,node:a,inputs:o=[],usage:s}=e,c=i(e),l=[[`made by`,`${r}, Nix ${n.version} (${n.system}), Node ${a}`],[`begun at`,e.startedAt],...s===void 0?[]:[[`this program`,G(s)]],...t(e).map(([e,t,n])=>[e,`${t}: ${n}`]),...c===void 0?[]:[[`disk`,c]],...o.map(({name:e,url:t,revision:n=``})=>[`input ${e}`,`${t} ${n}`.trim()])].map(([e,t])=>w`<tr><th scope="row">${e}</th><td>${t}</td></tr>\n`);return w`<section aria-labelledby="facts-title">
<h2 id="facts-title">Caches, inputs, versions</h2>
${T(U([`of what`,`what is known`],l))}</section>
`}function q(e,{script:t,style:n}){let{record:r}=e,i=g(r),a=w`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${`default-src 'none'; script-src ${k(t)}; style-src ${k(n)}; base-uri 'none'; form-action 'none'`}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${i}</title>
`,o=O(j(r,e.earlier));return[a,`<style>${n}</style>\n</head>\n<body>\n`,J(e,i),`<script type="application/json" id="data">${o}<\/script>\n`,`<script>${t}<\/script>\n</body>\n</html>\n`].join(``)}function J({record:e,previous:t,earlier:n},i){let a=t&&r(t,e);return w`<header>
<h1>${i}</h1>
<p class="lead">${h(e)}</p>
${T(...Y(e))}</header>
<main>
${T(Z(),I(e,t,a),Q(e))}
${T(V(e,a),te([e,...n]),K(e))}
${T(ne(e))}</main>
<div id="tip" hidden></div>
`}function Y(e){let{failure:t,notPushed:n,notCached:r}=e,i=v(e);return[...t===void 0?[]:[w`<pre class="failure">${t}</pre>\n`],...[n,i,r].filter(e=>e!==void 0).map(e=>w`<p class="note">${e}</p>\n`),...f(e).map(e=>w`<p class="warning">${e}</p>\n`)]}const X={build:`building`,fetch:`fetching`,pack:`packing`,send:`sending`,other:`other work`,failed:`failed`};function Z(){let e=A.map(e=>w`<li class="kind-${e}">${X[e]}</li>`);return w`<section aria-labelledby="time-line-title">
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
`}function Q(e){return w`<section aria-labelledby="work-title">
<h2 id="work-title">What took time</h2>
<div class="tools" id="work-tools" hidden>
<label>Search <input id="work-search" type="search" autocomplete="off" spellcheck="false"></label>
<output id="work-count"></output>
</div>
<div class="wide" tabindex="0" role="region" aria-labelledby="work-title"><table>
<thead><tr><th scope="col">work</th><th scope="col">layer</th><th scope="col">where</th><th scope="col" class="number">begun at</th><th scope="col" class="number">time</th></tr></thead>
<tbody id="work-rows">${T(...ee(e))}</tbody>
</table></div>
<button type="button" id="work-more" hidden>More</button>
${T(...$(e))}</section>
`}function $({spansLeftOut:e}){if(e===void 0)return[];let{count:t,seconds:n}=e;return[w`<p>${t} shorter ones, ${o(n)} in all, are not on record.</p>\n`]}function te(e){return e.length<2?w``:w`<section aria-labelledby="history-title">
<h2 id="history-title">The last runs</h2>
<ul class="legend"><li class="kind-build">time</li><li class="kind-send">bytes sent</li></ul>
<div id="history-chart" role="img" aria-label="Time and sent bytes of the last ${e.length} runs; the table below says the same."></div>
${T(W(e))}</section>
`}function ne(e){let t=d(e);return t===void 0?w``:w`<section aria-labelledby="next-title">
<h2 id="next-title">What next</h2>
<pre>${t.commands.join(`
`)}</pre>
${T(...t.notes.map(e=>w`<p>${e.replaceAll("`",``)}</p>\n`))}</section>
`}export{q as pageHtml};