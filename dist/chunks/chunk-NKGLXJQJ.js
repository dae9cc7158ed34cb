import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
var i=class extends Error{details;constructor(t,n={}){super(t,n.cause===void 0?{}:{cause:n.cause}),this.name="Failure",this.details=n}get exitCode(){return this.details.exitCode??1}};function u(e){if(!(e instanceof i))return e instanceof Error?e.stack??e.message:String(e);let{layer:t,tried:n,next:s,evidence:a}=e.details;return[t===void 0?e.message:`${t}: ${e.message}`,...(a??[]).map(d=>`  ${d}`),...n===void 0?[]:[`Tried: ${n}`],...s===void 0?[]:[`Next: ${s}`]].join(`
`)}export{i as a,u as b};
