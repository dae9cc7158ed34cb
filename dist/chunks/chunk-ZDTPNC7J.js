import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
async function r(t,e,a){t.emit({type:"phase-start",phase:e,at:t.clock()});try{return await a()}finally{t.emit({type:"phase-end",phase:e,at:t.clock()})}}export{r as a};
