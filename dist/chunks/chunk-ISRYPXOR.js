import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);
import{a as W}from"./chunk-ZLFELWIK.js";import{a as P,b as C,c as L}from"./chunk-OFKWK76Z.js";import{a as R}from"./chunk-ZDTPNC7J.js";import{f as A}from"./chunk-U2I2WPJT.js";import{a as j,h as I}from"./chunk-YKI6PQJJ.js";import{e as F}from"./chunk-XBIGJOQN.js";import{a as l}from"./chunk-NKGLXJQJ.js";async function Be(e,{recipe:t}){let n=(t?.layers??[]).filter(u=>u.image),i=n.map(u=>u.outPath),r=i.length===0?new Set:await P(e,i);if(r.size===0)return new Map;let o=await C(e,[...r]),s=await L(e,[...new Set([...o.values()].flat())]),a=n.filter(u=>r.has(u.outPath));return new Map(a.map(({name:u,outPath:w})=>[u,(o.get(w)??[]).map(h=>({path:h,narSize:s.get(h)?.narSize??0}))]))}function Ze(e){let{reproducible:t}=j(e).total;return{findings:e.findings,...t===void 0?{}:{reproducible:Math.floor(t*100)}}}function He({findings:e},t){let n=({severity:r})=>t==="warning"?r!=="note":t==="error"&&r==="error",i=e.filter(n);if(i.length!==0)return new l(`The audit found ${I(i)}.`,{evidence:i.slice(0,20).map(({rule:r,message:o})=>`${r}: ${o}`),next:"comfy-nix audit says what each of them costs, and what to do; audit-fail-on: never goes on."})}var S=`
target:
let
  # Text without its context: what it refers to need not be built to be printed.
  plain = builtins.unsafeDiscardStringContext;

  isDerivation = value: builtins.isAttrs value && value.type or null == "derivation";

  # The fields have names of their own: a set with outPath would be printed as that path alone.
  derivation = value: {
    "$type" = "derivation";
    name = plain value.name;
    system = value.system or null;
    drv = plain value.drvPath;
    output = value.outputName or "out";
    out = plain value.outPath;
  };

  # A value as JSON, with \`onDerivation\` and \`onPath\` applied to what they are named after. What
  # JSON cannot say is described by its type, and so is what lies deeper than anything that is meant
  # to be there: a package set in a wrong place must not be evaluated whole.
  describe = { onDerivation, onPath }@how: depth: value:
    let type = builtins.typeOf value; in
    if isDerivation value then onDerivation value
    else if type == "set" && value ? __toString then "\${value}"
    else if type == "set" && depth > 0 then
      builtins.mapAttrs (_: describe how (depth - 1)) value
    else if type == "list" && depth > 0 then map (describe how (depth - 1)) value
    else if type == "path" then onPath value
    else if builtins.elem type [ "set" "list" "lambda" ] then { "$type" = type; }
    else value;

  describeRecipe = describe {
    onDerivation = derivation;
    onPath = _: { "$type" = "path"; };
  } 4;

  # In the config a derivation, or a file, is its store path.
  describeConfig = describe {
    onDerivation = value: "\${value}";
    onPath = value: "\${value}";
  } 4;

  textOf = name:
    let value = target.\${name} or null; in
    if builtins.isString value then plain value else null;

  recipe = target.passthru.recipe or (target.recipe or null);
  config = if builtins.isAttrs recipe then describeConfig (recipe.config or { }) else { };
in
{
  target = describe { onDerivation = derivation; onPath = _: { "$type" = "path"; }; } 0 target;
  # What dockerTools and nix2container say of an image that they make.
  image = {
    name = textOf "imageName";
    tag = textOf "imageTag";
  };
  recipe = describeRecipe (
    if builtins.isAttrs recipe && !isDerivation recipe
    then builtins.removeAttrs recipe [ "config" ]
    else recipe
  );
  inherit config;
  # Store paths that the config's text refers to: derivation -> { outputs }, source -> { path }.
  context = builtins.getContext (builtins.toJSON config);
}
`;import{resolve as N}from"node:path";var ne=40,_=e=>e.some(t=>t.includes("does not provide attribute"));function J(e,t){let n=t.flatMap(r=>/Did you mean ([^?]*)\?/.exec(r)?.[1]??[]),[i="."]=(e[0]??".").split("#");return new l(`The flake has no target ${e.join(", nor ")}.`,{tried:"Nix looked for it among packages, legacyPackages and the top-level attributes.",next:n.length>0?`Did you mean ${n.join(", ")}? nix flake show ${i} lists all.`:`Name one that nix flake show ${i} lists.`,evidence:z(t)})}function U(e,t,n){let i=t.join(`
`),r=e.split("#")[0]||".",o=ie.find(({sign:w})=>w.test(i)),{message:s,next:a}=o?.explain(r,i,n)??{message:`${e} cannot be evaluated.`,next:`nix eval --show-trace '${e}' shows where it comes from.`},u=o?.hidesText?[]:z(t);return new l(s,{next:a,evidence:u,tried:`nix eval was run in ${n}.`})}var ie=[{sign:/is not owned by current user|dubious ownership|Not a git repository. Use --no-index/,hidesText:!0,explain:(e,t,n)=>{let r=(/(?:repository path|repository at) '([^']+)'/.exec(t)?.[1]??N(n,e)).replace(/\/(\.git\/?)?$/,"");return{message:`The checkout ${r} belongs to another user, so git refuses to read it.`,next:`git config --global --add safe.directory ${r}`}}},{sign:/executing '?"?git|program '?"?git'?"? .*not found|cannot find.* git\b/,explain:e=>({message:`git is missing, and Nix needs it to read the flake ${e}.`,next:"Install git and run the command again."})},{sign:/could not find a flake\.nix|flake\.nix'?: No such file|flake\.nix' does not exist/,explain:(e,t,n)=>({message:`There is no flake.nix in ${/^[./]/.test(e)?N(n,e):e}.`,next:"Name the folder that has one. In a git checkout it must be known to git: git add it."})},{sign:/^error:\s+(getting status of|path) ["']?\/(?!nix\/store).*(No such file|does not exist)/m,explain:(e,t,n)=>({message:`There is no flake at ${N(n,e)}.`,next:"Check the path, and that the repository was checked out before."})},{sign:/cannot find flake 'flake:|unable to download .*flake-registry/,explain:e=>({message:`${e} is in no flake registry that can be reached.`,next:`If it is a folder, write ./${e}.`})}];function z(e){return e.flatMap(n=>n.split(`
`)).filter(n=>n.trim()!=="").slice(-ne)}import{stripVTControlCharacters as V}from"node:util";var p={copyPath:100,fileTransfer:101,copyPaths:103,builds:104,build:105,substitute:108},b={logLine:101,phase:104,progress:105,expected:106},g={error:0,warning:1,notice:2,info:3},B="@nix ";function H(e){let t=o=>({action:"msg",level:g.notice,text:V(o)});if(!e.startsWith(B))return t(e);let n=re(e.slice(B.length));if(!n)return t(e);let i=typeof n.type=="number"?n.type:-1,r=typeof n.text=="string"?n.text:"";switch(n.action){case"start":return{action:"start",id:O(e),type:i,text:r,fields:Z(n.fields)};case"stop":return{action:"stop",id:O(e)};case"result":return{action:"result",id:O(e),type:i,fields:Z(n.fields)};case"msg":return{action:"msg",level:typeof n.level=="number"?n.level:g.info,text:V(typeof n.msg=="string"?n.msg:"")};default:return}}function re(e){try{let t=JSON.parse(e);return typeof t=="object"&&t!==null?{...t}:void 0}catch{return}}var O=e=>/"id":\s*(\d+)/.exec(e)?.[1]??"",oe=e=>typeof e=="string"||typeof e=="number",Z=e=>Array.isArray(e)?e.filter(oe):[];var se=30,ae=2e3,ue=200;function K(){let e={builds:new Map,open:new Map,failed:new Map,counted:0,substitutes:new Map,copies:new Map,downloads:{files:new Map,done:0,known:0,foreseen:new Map},progress:new Map,stops:0,errors:[]};return{read:(t,n)=>{let i=le.exec(t)?.[1];if(i!==void 0&&!ce(e,i))return[];let r=H(t);return r?de(e,r,t.startsWith("@nix "),n):[]},succeeded:(t,n)=>D(e,t,!1,n),running:()=>[...e.open.keys()],completed:()=>{let t=[...e.progress.values()].map(n=>n.done+n.failed);return e.stops+t.reduce((n,i)=>n+i,0)},failed:()=>[...e.failed].map(([t,n])=>({drvPath:t,...n})),errors:()=>e.errors}}var le=/^@nix \{"action":"result","fields":\[[\d,]*\],"id":(\d+),"type":105\}$/,ce=({progress:e,downloads:t,copies:n},i)=>e.has(i)||t.files.has(i)||n.has(i);function de(e,t,n,i){switch(t.action){case"start":return pe(e,t,i);case"stop":return fe(e,t.id,i);case"result":return he(e,t,i);case"msg":return xe(e,t,n,i)}}function pe(e,t,n){let[i,r]=t.fields.map(String);switch(t.type){case p.build:return i===void 0?[]:(e.builds.set(t.id,i),e.open.has(i)?[]:(e.open.set(i,[]),[{type:"build-start",drvPath:i,machine:r??"",at:n}]));case p.substitute:return i===void 0?[]:(e.substitutes.set(t.id,{path:i}),[{type:"substitute-start",path:i,cache:r??"",at:n}]);case p.copyPath:{let o=[...e.substitutes.values()].find(({path:s})=>s===i);return o&&e.copies.set(t.id,o),[]}case p.fileTransfer:return e.downloads.files.set(t.id,{done:0,expected:0}),[];case p.builds:case p.copyPaths:return e.progress.set(t.id,{type:t.type,done:0,failed:0}),[];default:return[]}}function fe(e,t,n){e.copies.delete(t);let i=e.substitutes.get(t);if(i!==void 0)return e.stops+=1,e.substitutes.delete(t),[{type:"substitute-end",...i,at:n}];let r=e.builds.get(t);return r===void 0?[]:(e.stops+=1,e.builds.delete(t),[...e.builds.values()].includes(r)?[]:D(e,r,me(e),n))}var ge=e=>/dependenc(y|ies) (failed|of derivation)/.test(e);function me(e){return[...e.progress.values()].filter(({type:n})=>n===p.builds).reduce((n,{failed:i})=>n+i,0)>e.counted}function D(e,t,n,i){let r=e.open.get(t);return r?(e.open.delete(t),n&&(e.failed.set(t,{message:"",log:r}),e.counted+=1),[{type:"build-end",drvPath:t,failed:n,at:i}]):[]}function he(e,t,n){let i=e.builds.get(t.id);switch(t.type){case b.logLine:return i===void 0?[]:ve(e,i,String(t.fields[0]??""),n);case b.phase:return i===void 0?[]:[{type:"build-phase",drvPath:i,phase:String(t.fields[0]??""),at:n}];case b.progress:return be(e,t,n);case b.expected:return t.fields[0]!==p.fileTransfer?[]:(e.downloads.foreseen.set(t.id,Number(t.fields[1])),[]);default:return[]}}function ve(e,t,n,i){let r=e.open.get(t);return r?.push(n.slice(0,ae)),r&&r.length>se&&r.shift(),[{type:"build-log",drvPath:t,line:n,at:i}]}function be(e,t,n){let[i=0,r=0,,o=0]=t.fields.map(Number),s=e.progress.get(t.id);s&&Object.assign(s,{done:i,failed:o});let a=e.copies.get(t.id);return a&&i>0&&(a.narSize=r,e.copies.delete(t.id)),ye(e.downloads,t.id,{done:i,expected:r},n)}function ye(e,t,n,i){let r=e.files.get(t);if(!r||r.done===n.done)return[];e.files.set(t,n),e.done+=n.done-r.done,e.known+=Math.max(n.done,n.expected)-Math.max(r.done,r.expected);let o=[...e.foreseen.values()].reduce((a,u)=>a+u,0),s=Math.max(e.known,o);return[{type:"download",done:e.done,expected:s,at:i}]}function xe(e,t,n,i){let r={type:"message",level:t.level,text:t.text,at:i};(t.level===g.error||!n)&&(e.errors.push(t.text),e.errors.length>ue&&e.errors.shift());let o=t.level===g.error?/'(\/[^']+\.drv)'/.exec(t.text)?.[1]:void 0;if(o===void 0)return[r];let s=D(e,o,!0,i),a=e.failed.get(o);return!a&&!ge(t.text)&&(e.counted+=1),e.failed.set(o,{message:a?.message||t.text,log:a?.log??[]}),[...s,r]}var q=`
target:
let
  plain = builtins.unsafeDiscardStringContext;
  listOf = value: if builtins.isList value then value else [ ];
  isDerivation = value: builtins.isAttrs value && value.type or null == "derivation";
  derivationsIn = value:
    if isDerivation value then [ value ]
    else if builtins.isList value then builtins.concatMap derivationsIn value
    else [ ];

  recipe = target.passthru.recipe or (target.recipe or { });
  roots = [ target ]
    ++ map (layer: layer.target or null) (listOf (recipe.layers or [ ]))
    ++ listOf (recipe.root or [ ]);
  inputsOf = value:
    derivationsIn (builtins.attrValues (value.drvAttrs or { }) ++ [ (value.paths or [ ]) ]);

  node = value: { key = plain value.drvPath; inherit value; };
  reached = builtins.genericClosure {
    startSet = map node (derivationsIn roots);
    operator = { value, ... }: map node (inputsOf value);
  };

  # The source tree in which a package is written: the first folder in the store of its position.
  treeOf = { value, ... }:
    let
      position = builtins.tryEval (plain (value.meta.position or ""));
      found = builtins.match "(\${builtins.storeDir}/[^/]+)/.*"
        (if position.success then position.value else "");
    in
    if found == null then "" else builtins.head found;
  byTree = builtins.groupBy treeOf reached;
  isNixpkgs = tree: builtins.pathExists (tree + "/pkgs/stdenv");
  ownTrees = builtins.filter (tree: tree != "" && !isNixpkgs tree) (builtins.attrNames byTree);

  isUnfree = licence:
    if builtins.isAttrs licence then licence.free or true == false else licence == "unfree";
  nameOf = licence: licence.shortName or (licence.fullName or "unfree");
  licencesOf = value:
    let
      read = builtins.tryEval (value.meta.license or [ ]);
      all = if !read.success then [ ] else if builtins.isList read.value then read.value else [ read.value ];
    in
    map nameOf (builtins.filter isUnfree all);
in
{
  own = builtins.concatMap (tree: map (found: found.key) byTree.\${tree}) ownTrees;
  unfree = builtins.concatMap (
    { key, value }:
    let licences = licencesOf value; in
    if licences == [ ] then [ ]
    else [ { drv = key; licence = builtins.concatStringsSep ", " licences; } ]
  ) reached;
}
`;var we="$type";function d({at:e,value:t},n){return new l(`${e}: expected ${n}, found ${$e(t)}`,{tried:"The recipe was read from the evaluated target.",next:"Correct this field in the flake; the README's section on recipes lists them all."})}function c(e,t=/^/,n="a string"){if(typeof e.value!="string"||!t.test(e.value))throw d(e,n);return e.value}function E(e){if(!Number.isSafeInteger(e.value)||Number(e.value)<0)throw d(e,"an integer that is not negative");return Number(e.value)}function G(e){if(typeof e.value!="boolean")throw d(e,"true or false");return e.value}function v(e,t){if(!Array.isArray(e.value))throw d(e,"a list");return e.value.map((n,i)=>t({at:`${e.at}[${i}]`,value:n}))}function T(e){if(M(e.value)!=="set")throw d(e,"a set");return Object.entries(Object(e.value)).map(([t,n])=>({at:/^\w+$/.test(t)?`${e.at}.${t}`:`${e.at}.${JSON.stringify(t)}`,value:n}))}function $(e,t){let n=Object.keys(Object(e.value));return Object.fromEntries(T(e).map((i,r)=>[n[r]??"",t(i)]))}function y(e,t){let n=$(e,i=>i);for(let i of Object.keys(n))if(!t.some(r=>r===i))throw new l(`${e.at}: there is no field "${i}"`,{next:`Did you mean "${W(i,t)}"? Known are: ${t.join(", ")}.`});return i=>n[i]?.value===null?void 0:n[i]}function m(e,t,n){return n??{at:`${e.at}.${t}`,value:void 0}}function x(e){if(M(e.value)!=="derivation")throw d(e,"a derivation");return e.value}function M(e){if(e===null)return"null";if(Array.isArray(e))return"list";if(typeof e!="object")return typeof e;let t=Object.entries(e).find(([n])=>n===we)?.[1];return typeof t=="string"?t:"set"}function $e(e){let t=M(e);if(t==="undefined")return"nothing";if(t==="null")return"null";if(t==="boolean")return String(e);if(t==="number")return`the number ${String(e)}`;if(t==="string"){let n=JSON.stringify(e);return`a string${n.length<=80?` (${n})`:""}`}return Array.isArray(e)&&e.length===0?"an empty list":t==="lambda"?"a function":`a ${t}`}var ke=["name","tag","layers","root","directories","created"],Fe=["name","target","image"],Se=["path","mode","uid","gid"],Ne=["User","ExposedPorts","Env","Entrypoint","Cmd","Volumes","WorkingDir","Labels","StopSignal"],Oe="1970-01-01T00:00:01Z";function ee(e,t){let n={at:"recipe",value:e},i=y(n,[...ke,"config"]),r=v(m(n,"layers",i("layers")),De);if(r.length===0)throw d({at:"recipe.layers",value:[]},"at least one layer");Ee(r);let o=a=>i(a)??{at:`recipe.${a}`,value:[]},s=i("created");return{name:c(m(n,"name",i("name")),/^[A-Za-z0-9][\w.-]*$/,'a name of letters, digits, ".", "_" and "-"'),tag:c(m(n,"tag",i("tag")),/^\w[\w.-]{0,127}$/,"an image tag"),layers:r,root:v(o("root"),a=>k(x(a))),directories:v(o("directories"),Te),config:Re({at:"recipe.config",value:t}),created:s?Pe(s):Oe}}function k({drv:e,output:t,out:n}){return{drvPath:e,outputName:t,outPath:n}}function De(e){let t=y(e,Fe),n=t("image");return{name:c(m(e,"name",t("name")),/^\w[\w.+-]*$/,'a name of letters, digits, ".", "_", "+" and "-"'),...k(x(m(e,"target",t("target")))),image:n?G(n):!0}}var Q=["references","root"];function Ee(e){let t=new Map;for(let[n,{name:i}]of e.entries()){if(Q.includes(i))throw new l(`recipe.layers[${n}].name: "${i}" is a layer that the program adds`,{next:`Choose another name than ${Q.join(" and ")}.`});let r=t.get(i);if(r!==void 0)throw new l(`recipe.layers[${n}].name: "${i}" is also the name of recipe.layers[${r}]`,{next:"Give each layer a name of its own."});t.set(i,n)}}function Te(e){let t=y(e,Se),n=t("mode"),i=t("uid"),r=t("gid");return{path:Me(m(e,"path",t("path"))),mode:n?c(n,/^[0-7]{3,4}$/,'octal digits such as "1777"'):"0755",uid:i?E(i):0,gid:r?E(r):0}}var Me=e=>c(e,/^\/$|^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/,'an absolute path such as "/tmp"');function Re(e){let t=y(e,Ne),n=(i,r)=>{let o=t(i);return o?{[i]:r(o)}:{}};return{...n("User",i=>c(i)),...n("ExposedPorts",i=>Y(i,/^\d+(-\d+)?(\/(tcp|udp|sctp))?$/,"ports")),...n("Env",i=>v(i,Ae)),...n("Entrypoint",X),...n("Cmd",X),...n("Volumes",i=>Y(i,/^\//,"absolute paths")),...n("WorkingDir",i=>c(i,/^(\/.*)?$/,"an absolute path")),...n("Labels",i=>$(i,r=>c(r))),...n("StopSignal",i=>c(i))}}var X=e=>v(e,t=>c(t)),Ae=e=>c(e,/^[^=]+=/,'a variable such as "NAME=value"');function Y(e,t,n){let i=$(e,o=>{if(T(o).length>0)throw d(o,"an empty set");return{}}),r=Object.keys(i).find(o=>!t.test(o));if(r===void 0)return i;throw d({at:e.at,value:r},`names that are ${n}`)}function Pe(e){if(e.value==="now")return"now";let t=/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/,n='a time as in RFC 3339 ("1970-01-01T00:00:01Z"), or "now"',i=c(e,t,n);if(Number.isNaN(Date.parse(i)))throw d(e,n);return i}var Ce=`target:
  (${S}) target // { provenance = (${q}) target; }`;async function te(e,t){let n=[];for(let i of t.installables){let{description:r,errors:o}=await Le(e,i,t);if(r)return Ie(i,r);if(!_(o))throw U(i,o,t.cwd);n.push(...o)}throw J(t.installables,n)}async function Le(e,t,n){let i=K(),{emit:r,clock:o}=e.host,s=["eval","--json","--log-format","internal-json","--option","accept-flake-config",String(n.acceptFlakeConfig),...n.overrideInputs.flatMap(({input:h,flake:f})=>["--override-input",h,f]),"--apply",n.provenance?Ce:S,"--",t],{code:a,stdout:u}=await A(e,"nix",s,{cwd:n.cwd,onStderrLine:h=>{for(let f of i.read(h,o()))f.type!=="message"||f.level!==g.warning||n.overrideInputs.length>0&&je(f.text)||r({type:"notice",message:f.text,at:f.at})}});return{description:a===0?JSON.parse(u):void 0,errors:i.errors()}}var je=e=>e.includes("not writing modified lock file");function Ie(e,t){let n=x({at:e,value:t.target}),i=n.system??F(n.drv).system;return{installable:e,target:{...k(n),name:n.name},imageName:t.image.name??void 0,imageTag:t.image.tag??void 0,system:i,recipe:t.recipe===null?void 0:_e(t),...t.provenance?{provenance:We(t.provenance)}:{}}}var We=({own:e,unfree:t})=>({own:new Set(e),unfree:new Map(t.map(({drv:n,licence:i})=>[n,i]))});function _e({recipe:e,config:t,context:n}){let i=ee(e,t),r=Object.entries(n),o=r.filter(([,s])=>s.path||s.allOutputs);return{...i,configOutputs:r.flatMap(([s,a])=>Je(s,a.outputs)),configSources:o.map(([s])=>s)}}function Je(e,t=[]){if(t.length===0)return[];let{outputs:n}=F(e);return t.map(i=>{let r=n.get(i);if(r)return{drvPath:e,outputName:i,outPath:r};throw new l(`recipe.config refers to the output "${i}" of ${e}, whose path is not known before it is built.`,{next:"Refer to a derivation that is not content-addressed."})})}function kt(e,{flake:t,overrideInputs:n,workingDirectory:i,nix:{acceptFlakeConfig:r}},o,s){let a=t===void 0?[".#comfyui",".#default"]:[t];return R(s,"evaluate",()=>te(e,{installables:a,overrideInputs:n,cwd:i,acceptFlakeConfig:r,provenance:o}))}export{K as a,ge as b,Be as c,Ze as d,He as e,kt as f};
