import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
function u(){let e=new Set,r=0,n=0;return{begin(t,i){e.size===0&&(n=i),e.add(t)},end(t,i){e.delete(t)&&e.size===0&&(r+=Math.max(0,i-n))},total:t=>r+(e.size===0?0:Math.max(0,t-n))}}export{u as a};
