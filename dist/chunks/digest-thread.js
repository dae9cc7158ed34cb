import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{createHash as r}from"node:crypto";import{parentPort as s}from"node:worker_threads";var t=new Map;s?.on("message",({id:e,bytes:a})=>{let o=t.get(e)??r("sha256");a?(t.set(e,o.update(a)),s?.postMessage(void 0)):(t.delete(e),s?.postMessage(o.digest("hex")))});
