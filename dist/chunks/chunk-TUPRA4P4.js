import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
function f(s,a){let n=new Map;for(let{name:e,drvPath:p}of a){let r=[p];for(let t=r.pop();t!==void 0;t=r.pop()){if(n.has(t))continue;n.set(t,e);let i=s.get(t);if(i){for(let o of i.outputs.values())o!==""&&n.set(o,e);r.push(...i.inputDrvs.keys())}}}return{layerOf:e=>n.get(e)}}export{f as a};
