import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
function r(n,e=60){let t=o(n)??"nothing";return t.length>e?`${t.slice(0,e-3)}...`:t}function o(n){try{return JSON.stringify(n)}catch{return"a value that is too deep to be shown"}}export{r as a};
