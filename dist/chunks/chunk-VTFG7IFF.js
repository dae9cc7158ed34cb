import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
var o={name:"comfy-nix",version:"1.0.0"};export{o as a};
