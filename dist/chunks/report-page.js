import{__toESM as e}from"./rolldown-runtime.js";import{changeText as t,compareRecords as n,layerChanges as r,layerWork as i,nextSteps as a,packLanes as o,packageChanges as s,spanName as c}from"./shared-work.js";import{require__node_crypto as l}from"./shared-node.js";import{escaped as u}from"./shared-launch.js";import{cacheRows as d,diskLine as f,formatBytes as p,formatSeconds as m,layerOrigin as h,layerSums as g,otherWarnings as _,plural as ee,runSentence as v,runTitle as y,storedSize as b,wouldPushSentence as x}from"./shared-start.js";var S=e(l(),1);function C(e,...t){return e.reduce((e,n,r)=>`${e}${T(t[r-1]??``)}${n}`)}const w=(...e)=>({html:e});function T(e){return typeof e==`object`?[e.html].flat().join(``):E(String(e))}const E=e=>u(e).replace(/[&<>"'`]/g,e=>`&#${e.charCodeAt(0)};`),D=e=>JSON.stringify(e).replace(/[<>&\u2028\u2029]/g,e=>`\\u${e.charCodeAt(0).toString(16).padStart(4,`0`)}`),O=e=>`'sha256-${(0,S.createHash)(`sha256`).update(e).digest(`base64`)}'`,k=[`build`,`fetch`,`pack`,`send`,`other`,`failed`];function A(e,t){let n=new Set(i(e).filter(({isCritical:e})=>e).map(({layer:e})=>e.name)),r=Map.groupBy(e.spans,({layer:e})=>e),a=[void 0,...e.layers.map(({name:e})=>e).filter(e=>r.has(e))].map(e=>{let t=r.get(e)??[];return{name:e,spans:t,lanes:o(t)}});return{seconds:P(e.seconds),rows:a.map(({name:e,lanes:t})=>({name:e??`the run`,lanes:t.reduce((e,t)=>Math.max(e,t+1),0),isCritical:e!==void 0&&n.has(e)})),bars:j(a.flatMap(({spans:e,lanes:t},n)=>e.map((e,r)=>({span:e,row:n,lane:t[r]??0})))),history:[e,...t].map(N).reverse()}}function j(e){return{name:e.map(({span:e})=>c(e)),row:e.map(({row:e})=>e),lane:e.map(({lane:e})=>e),kind:e.map(({span:e})=>k.indexOf(M(e))),start:e.map(({span:e})=>P(e.start)),seconds:e.map(({span:e})=>P(e.seconds)),place:e.map(({span:e})=>e.machine??e.cache??``)}}function M({kind:e,ended:t}){return t===`failed`?`failed`:e===`build`?e:e===`substitute`||e===`restore`||e===`inputs`?`fetch`:e===`pack`||e===`compress`?`pack`:e===`upload`||e===`cache-push`?`send`:`other`}const N=({startedAt:e,seconds:t,sentBytes:n,outcome:r})=>({startedAt:e,seconds:P(t),sentBytes:n,outcome:r}),P=e=>Math.round(e*1e3)/1e3;function F(e,n,i){let a=Math.max(1,...[e,n].flatMap(e=>e?.layers.map(I)??[])),o=new Map(n?.layers.map(e=>[e.name,I(e)])),s=new Map(i?.layers.map(e=>[e.name,e])),c=e.layers.map(e=>{let[t,n]=r(s.get(e.name));return C`<tr><th scope="row">${e.name}</th><td>${h(e)}</td>${w(L(e.seconds===0?`–`:m(e.seconds)),L(t),L(e.blobs.length===0?`–`:p(I(e))),L(n),L(p(g(e).sent)))}<td class="bars">${w(R(I(e),o.get(e.name),a))}</td></tr>
`});return C`<section aria-labelledby="layers-title">
<h2 id="layers-title">Layers</h2>
<p>${n===void 0?`There is no run to compare with.`:`▲▼ against the run of ${n.startedAt.slice(0,16).replace(`T`,` `)}; the paler bar is its size.`}${i?.pullBytes===void 0?``:` A host that has that image pulls ${p(i.pullBytes)}.`}</p>
<div class="wide" tabindex="0" role="region" aria-labelledby="layers-title"><table>
<thead><tr><th scope="col">layer</th><th scope="col">origin</th><th scope="col" class="number">time</th><th scope="col" class="number">change</th><th scope="col" class="number">size</th><th scope="col" class="number">change</th><th scope="col" class="number">sent</th><th scope="col"><span class="unseen">size as a bar</span></th></tr></thead>
<tbody>
${w(...c)}</tbody>
<tfoot><tr><th scope="row">total</th><td></td>${w(L(m(e.seconds)),L(t(i?.seconds,m)),L(p(b(e))),L(t(i?.size,p)),L(p(e.sentBytes)))}<td></td></tr></tfoot>
</table></div>
</section>
`}const I=e=>g(e).size,L=e=>C`<td class="number">${e}</td>`;function R(e,t,n){let r=e=>Math.round(e/n*1e3)/10;return C`<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="now" y="0" height="6" width="${r(e)}"/><rect class="before" y="7" height="3" width="${r(t??0)}"/></svg>`}function z({spans:e}){return e.toSorted((e,t)=>t.seconds-e.seconds).slice(0,50).map(e=>C`<tr><th scope="row">${c(e)}</th><td>${e.layer??``}</td><td>${e.machine??e.cache??``}</td>${w(L(m(e.start)),L(m(e.seconds)))}</tr>
`)}const B=4e3;function V(e,t){let n=t===void 0?[]:s(t),r=e.layers.flatMap(({name:e,packages:t=[]})=>t.map(t=>({...t,layer:e}))).slice(0,B);if(n.length+r.length===0)return C``;let i=n.slice(0,B).map(({name:e,layer:t,change:n})=>C`<tr><th scope="row">${e}</th><td>${n}</td><td>${t}</td></tr>\n`),a=r.map(({name:e,version:t,layer:n})=>C`<tr><th scope="row">${e}</th><td>${t}</td><td>${n}</td></tr>\n`);return C`<section aria-labelledby="packages-title">
<h2 id="packages-title">Packages</h2>
${w(H(i,t!==void 0))}<details><summary>${ee(r.length,`package`)} in all</summary>
${w(U([`package`,`version`,`layer`],a))}</details>
</section>
`}function H(e,t){if(e.length===0)return t?C`<p>None has changed since last time.</p>\n`:C``;let n=U([`package`,`change since last time`,`layer`],e);return e.length<=20?n:C`<details><summary>${e.length} changed since last time</summary>
${w(n)}</details>
`}function U(e,t){return C`<div class="wide"><table>
<thead><tr>${w(...e.map(e=>C`<th scope="col">${e}</th>`))}</tr></thead>
<tbody>
${w(...t)}</tbody>
</table></div>
`}function W(e){let t=e.map(({startedAt:e,outcome:t,seconds:n,sentBytes:r,layers:i})=>C`<tr><th scope="row">${e.slice(0,16).replace(`T`,` `)}</th><td>${t}</td>${w(L(m(n)),L(p(r)),L(`${i.filter(({origin:e})=>e===`reused`).length} of ${i.length}`))}</tr>\n`);return C`<details><summary>As a table</summary>
${w(U([`begun at (UTC)`,`outcome`,`time`,`sent`,`layers reused`],t))}</details>
`}const G=({memory:e,cpuSeconds:t})=>`${p(e)} of memory, ${m(t)} of CPU`;function K(e){let{nix:t,program:n,node:r,inputs:i=[],usage:a}=e,o=f(e),s=[[`made by`,`${n}, Nix ${t.version} (${t.system}), Node ${r}`],[`begun at`,e.startedAt],...a===void 0?[]:[[`this program`,G(a)]],...d(e).map(([e,t,n])=>[e,`${t}: ${n}`]),...o===void 0?[]:[[`disk`,o]],...i.map(({name:e,url:t,revision:n=``})=>[`input ${e}`,`${t} ${n}`.trim()])].map(([e,t])=>C`<tr><th scope="row">${e}</th><td>${t}</td></tr>\n`);return C`<section aria-labelledby="facts-title">
<h2 id="facts-title">Caches, inputs, versions</h2>
${w(U([`of what`,`what is known`],s))}</section>
`}function q(e,{script:t,style:n}){let{record:r}=e,i=y(r),a=C`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${`default-src 'none'; script-src ${O(t)}; style-src ${O(n)}; base-uri 'none'; form-action 'none'`}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${i}</title>
`,o=D(A(r,e.earlier));return[a,`<style>${n}</style>\n</head>\n<body>\n`,J(e,i),`<script type="application/json" id="data">${o}<\/script>\n`,`<script>${t}<\/script>\n</body>\n</html>\n`].join(``)}function J({record:e,previous:t,earlier:r},i){let a=t&&n(t,e);return C`<header>
<h1>${i}</h1>
<p class="lead">${v(e)}</p>
${w(...Y(e))}</header>
<main>
${w(Z(),F(e,t,a),Q(e))}
${w(V(e,a),te([e,...r]),K(e))}
${w(ne(e))}</main>
<div id="tip" hidden></div>
`}function Y(e){let{failure:t,notPushed:n,notCached:r}=e,i=x(e);return[...t===void 0?[]:[C`<pre class="failure">${t}</pre>\n`],...[n,i,r].filter(e=>e!==void 0).map(e=>C`<p class="note">${e}</p>\n`),..._(e).map(e=>C`<p class="warning">${e}</p>\n`)]}const X={build:`building`,fetch:`fetching`,pack:`packing`,send:`sending`,other:`other work`,failed:`failed`};function Z(){let e=k.map(e=>C`<li class="kind-${e}">${X[e]}</li>`);return C`<section aria-labelledby="time-line-title">
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
<ul class="legend">${w(...e)}<li class="critical">on the critical path</li></ul>
<div id="time-line-chart" tabindex="0" role="group" aria-label="Time line. Plus and minus zoom, arrow keys move, 0 shows all of it. The table What took time says the same."></div>
</section>
`}function Q(e){return C`<section aria-labelledby="work-title">
<h2 id="work-title">What took time</h2>
<div class="tools" id="work-tools" hidden>
<label>Search <input id="work-search" type="search" autocomplete="off" spellcheck="false"></label>
<output id="work-count"></output>
</div>
<div class="wide" tabindex="0" role="region" aria-labelledby="work-title"><table>
<thead><tr><th scope="col">work</th><th scope="col">layer</th><th scope="col">where</th><th scope="col" class="number">begun at</th><th scope="col" class="number">time</th></tr></thead>
<tbody id="work-rows">${w(...z(e))}</tbody>
</table></div>
<button type="button" id="work-more" hidden>More</button>
${w(...$(e))}</section>
`}function $({spansLeftOut:e}){if(e===void 0)return[];let{count:t,seconds:n}=e;return[C`<p>${t} shorter ones, ${m(n)} in all, are not on record.</p>\n`]}function te(e){return e.length<2?C``:C`<section aria-labelledby="history-title">
<h2 id="history-title">The last runs</h2>
<ul class="legend"><li class="kind-build">time</li><li class="kind-send">bytes sent</li></ul>
<div id="history-chart" role="img" aria-label="Time and sent bytes of the last ${e.length} runs; the table below says the same."></div>
${w(W(e))}</section>
`}function ne(e){let t=a(e);return t===void 0?C``:C`<section aria-labelledby="next-title">
<h2 id="next-title">What next</h2>
<pre>${t.commands.join(`
`)}</pre>
${w(...t.notes.map(e=>C`<p>${e.replaceAll("`",``)}</p>\n`))}</section>
`}export{q as pageHtml};