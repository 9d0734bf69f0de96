(globalThis.TURBOPACK||(globalThis.TURBOPACK=[])).push(["object"==typeof document?document.currentScript:void 0,20783,e=>{"use strict";var t=e.i(71645),n=Object.defineProperty,r=(e,t)=>n(e,"name",{value:t,configurable:!0});function o(e,t){if("function"==typeof e)return e(t);null!=e&&(e.current=t)}function i(...e){return t=>{let n=!1,r=e.map(e=>{let r=o(e,t);return n||"function"!=typeof r||(n=!0),r});if(n)return()=>{for(let t=0;t<r.length;t++){let n=r[t];"function"==typeof n?n():o(e[t],null)}}}}function a(...e){return t.useCallback(i(...e),e)}r(o,"setRef"),r(i,"composeRefs"),r(a,"useComposedRefs"),e.s(["f",0,a])},30030,e=>{"use strict";var t=e.i(71645),n=e.i(43476),r=Object.defineProperty,o=(e,t)=>r(e,"name",{value:t,configurable:!0});function i(e,r=[]){let s=[];function u(r,i){let a=t.createContext(i);a.displayName=r+"Context";let u=s.length;s=[...s,i];let l=o(r=>{let{scope:o,children:i,...s}=r,l=o?.[e]?.[u]||a,c=t.useMemo(()=>s,Object.values(s));return(0,n.jsx)(l.Provider,{value:c,children:i})},"Provider");function c(n,o,s={}){let{optional:l=!1}=s,d=o?.[e]?.[u]||a,f=t.useContext(d);if(f)return f;if(void 0!==i)return i;if(!l)throw Error(`\`${n}\` must be used within \`${r}\``)}return l.displayName=r+"Provider",o(c,"useContext"),[l,c]}o(u,"createContext");let l=o(()=>{let n=s.map(e=>t.createContext(e));return o(function(r){let o=r?.[e]||n;return t.useMemo(()=>({[`__scope${e}`]:{...r,[e]:o}}),[r,o])},"useScope")},"createScope");return l.scopeName=e,[u,a(l,...r)]}function a(...e){let n=e[0];if(1===e.length)return n;let r=o(()=>{let r=e.map(e=>({useScope:e(),scopeName:e.scopeName}));return o(function(e){let o=r.reduce((t,{useScope:n,scopeName:r})=>{let o=n(e)[`__scope${r}`];return{...t,...o}},{});return t.useMemo(()=>({[`__scope${n.scopeName}`]:o}),[o])},"useComposedScopes")},"createScope");return r.scopeName=n.scopeName,r}o(function(e,r){let i=t.createContext(r);i.displayName=e+"Context";let a=o(e=>{let{children:r,...o}=e,a=t.useMemo(()=>o,Object.values(o));return(0,n.jsx)(i.Provider,{value:a,children:r})},"Provider");function s(n,o={}){let{optional:a=!1}=o,u=t.useContext(i);if(u)return u;if(void 0!==r)return r;if(!a)throw Error(`\`${n}\` must be used within \`${e}\``)}return a.displayName=e+"Provider",o(s,"useContext"),[a,s]},"createContext"),o(i,"createContextScope"),o(a,"composeContextScopes"),e.s(["f",0,i])},26330,65491,74606,e=>{"use strict";var t,n=e.i(71645),r=e.i(81140),o=e.i(48425),i=e.i(20783),a=e.i(30207),s=e.i(43476),u=Object.defineProperty,l=(e,t)=>u(e,"name",{value:t,configurable:!0}),c="dismissableLayer.update",d=n.createContext({layers:new Set,layersWithOutsidePointerEventsDisabled:new Set,branches:new Set,dismissableSurfaces:new Set}),f=n.forwardRef(l(function(e,u){let{disableOutsidePointerEvents:f=!1,deferPointerDownOutside:p=!1,onEscapeKeyDown:m,onPointerDownOutside:y,onFocusOutside:b,onInteractOutside:E,onDismiss:w,...C}=e,S=n.useContext(d),[T,x]=n.useState(null),I=T?.ownerDocument??globalThis?.document,[,O]=n.useState({}),N=(0,i.f)(u,x),R=Array.from(S.layers),[k]=[...S.layersWithOutsidePointerEventsDisabled].slice(-1),P=k?R.indexOf(k):-1,D=T?R.indexOf(T):-1,A=S.layersWithOutsidePointerEventsDisabled.size>0,_=D>=P,M=n.useRef(!1),L=h(e=>{y?.(e),E?.(e),e.defaultPrevented||w?.()},{ownerDocument:I,deferPointerDownOutside:p,isDeferredPointerDownOutsideRef:M,dismissableSurfaces:S.dismissableSurfaces,shouldHandlePointerDownOutside:n.useCallback(e=>{if(!(e instanceof Node))return!1;let t=[...S.branches].some(t=>t.contains(e));return _&&!t},[S.branches,_])}),j=v(e=>{if(p&&M.current)return;let t=e.target;![...S.branches].some(e=>e.contains(t))&&(b?.(e),E?.(e),e.defaultPrevented||w?.())},I),F=!!T&&D===R.length-1,$=(0,a.f)(e=>{"Escape"===e.key&&(m?.(e),!e.defaultPrevented&&w&&(e.preventDefault(),w()))});return n.useEffect(()=>{if(F)return I.addEventListener("keydown",$,{capture:!0}),()=>I.removeEventListener("keydown",$,{capture:!0})},[I,F,$]),n.useEffect(()=>{if(T)return f&&(0===S.layersWithOutsidePointerEventsDisabled.size&&(t=I.body.style.pointerEvents,I.body.style.pointerEvents="none"),S.layersWithOutsidePointerEventsDisabled.add(T)),S.layers.add(T),g(),()=>{f&&(S.layersWithOutsidePointerEventsDisabled.delete(T),0===S.layersWithOutsidePointerEventsDisabled.size&&(I.body.style.pointerEvents=t))}},[T,I,f,S]),n.useEffect(()=>()=>{T&&(S.layers.delete(T),S.layersWithOutsidePointerEventsDisabled.delete(T),g())},[T,S]),n.useEffect(()=>{let e=l(()=>O({}),"handleUpdate");return document.addEventListener(c,e),()=>document.removeEventListener(c,e)},[]),(0,s.jsx)(o.V.div,{...C,ref:N,style:{pointerEvents:A?_?"auto":"none":void 0,...e.style},onFocusCapture:(0,r.f)(e.onFocusCapture,j.onFocusCapture),onBlurCapture:(0,r.f)(e.onBlurCapture,j.onBlurCapture),onPointerDownCapture:(0,r.f)(e.onPointerDownCapture,L.onPointerDownCapture)})},"DismissableLayer"));function p(){let e=n.useContext(d),[t,r]=n.useState(null);return n.useEffect(()=>{if(t)return e.dismissableSurfaces.add(t),()=>{e.dismissableSurfaces.delete(t)}},[t,e.dismissableSurfaces]),r}l(p,"useDismissableLayerSurface");var m=l(()=>!0,"IS_TRUE");function h(e,t){let{ownerDocument:r=globalThis?.document,deferPointerDownOutside:o=!1,isDeferredPointerDownOutsideRef:i,dismissableSurfaces:s,shouldHandlePointerDownOutside:u=m}=t,c=(0,a.f)(e),d=n.useRef(!1),f=n.useRef(!1),p=n.useRef(new Map),h=n.useRef(()=>{});return n.useEffect(()=>{function e(){f.current=!1,i.current=!1,p.current.clear()}function t(){return Array.from(p.current.values()).some(Boolean)}function n(e){if(!f.current)return;let t=e.target;t instanceof Node&&[...s].some(e=>e.contains(t))||p.current.set(e.type,!0),"click"===e.type&&window.setTimeout(()=>{f.current&&h.current()},0)}function a(e){f.current&&p.current.set(e.type,!1)}l(e,"resetOutsideInteraction"),l(t,"isOutsideInteractionIntercepted"),l(n,"handleInteractionCapture"),l(a,"handleInteractionBubble");let m=l(n=>{if(n.target&&!d.current){let a=function(){r.removeEventListener("click",h.current);let n=t();e(),n||y("dismissableLayer.pointerDownOutside",c,s,{discrete:!0})};if(l(a,"handleAndDispatchPointerDownOutsideEvent"),!u(n.target)){r.removeEventListener("click",h.current),e(),d.current=!1;return}let s={originalEvent:n};f.current=!0,i.current=o&&0===n.button,p.current.clear(),o&&0===n.button?(r.removeEventListener("click",h.current),h.current=a,r.addEventListener("click",h.current,{once:!0})):a()}else r.removeEventListener("click",h.current),e();d.current=!1},"handlePointerDown"),v=["pointerup","mousedown","mouseup","touchstart","touchend","click"];for(let e of v)r.addEventListener(e,n,!0),r.addEventListener(e,a);let g=window.setTimeout(()=>{r.addEventListener("pointerdown",m)},0);return()=>{for(let e of(window.clearTimeout(g),r.removeEventListener("pointerdown",m),r.removeEventListener("click",h.current),v))r.removeEventListener(e,n,!0),r.removeEventListener(e,a)}},[r,c,o,i,s,u]),{onPointerDownCapture:l(()=>d.current=!0,"onPointerDownCapture")}}function v(e,t=globalThis?.document){let r=(0,a.f)(e),o=n.useRef(!1);return n.useEffect(()=>{let e=l(e=>{e.target&&!o.current&&y("dismissableLayer.focusOutside",r,{originalEvent:e},{discrete:!1})},"handleFocus");return t.addEventListener("focusin",e),()=>t.removeEventListener("focusin",e)},[t,r]),{onFocusCapture:l(()=>o.current=!0,"onFocusCapture"),onBlurCapture:l(()=>o.current=!1,"onBlurCapture")}}function g(){let e=new CustomEvent(c);document.dispatchEvent(e)}function y(e,t,n,{discrete:r}){let i=n.originalEvent.target,a=new CustomEvent(e,{bubbles:!1,cancelable:!0,detail:n});t&&i.addEventListener(e,t,{once:!0}),r?(0,o.u)(i,a):i.dispatchEvent(a)}l(h,"usePointerDownOutside"),l(v,"useFocusOutside"),l(g,"dispatchUpdate"),l(y,"handleAndDispatchCustomEvent"),e.s(["V",0,f,"y",0,p],26330);var b=Object.defineProperty,E=(e,t)=>b(e,"name",{value:t,configurable:!0}),w="focusScope.autoFocusOnMount",C="focusScope.autoFocusOnUnmount",S={bubbles:!1,cancelable:!0},T=n.forwardRef(E(function(e,t){let{loop:r=!1,trapped:u=!1,branches:l,onMountAutoFocus:c,onUnmountAutoFocus:d,...f}=e,[p,m]=n.useState(null),h=(0,a.f)(c),v=(0,a.f)(d),g=n.useRef(null),y=(0,i.f)(t,m),b=n.useRef(l);n.useEffect(()=>{b.current=l});let T=n.useCallback(e=>!!e&&(!!p?.contains(e)||!!b.current?.some(t=>t.contains(e))),[p]),x=n.useRef({paused:!1,pause(){this.paused=!0},resume(){this.paused=!1}}).current;n.useEffect(()=>{if(u){let e=function(e){if(x.paused||!p)return;let t=e.target;T(t)?g.current=t:M(g.current,{select:!0})},t=function(e){if(x.paused||!p)return;let t=e.relatedTarget;null!==t&&(T(t)||M(g.current,{select:!0}))},n=function(e){if(document.activeElement===document.body)for(let t of e)t.removedNodes.length>0&&M(p)};E(e,"handleFocusIn"),E(t,"handleFocusOut"),E(n,"handleMutations"),document.addEventListener("focusin",e),document.addEventListener("focusout",t);let r=new MutationObserver(n);return p&&r.observe(p,{childList:!0,subtree:!0}),()=>{document.removeEventListener("focusin",e),document.removeEventListener("focusout",t),r.disconnect()}}},[u,p,x.paused,T]),n.useEffect(()=>{if(p){L.add(x);let e=document.activeElement;if(!p.contains(e)){let t=new CustomEvent(w,S);p.addEventListener(w,h),p.dispatchEvent(t),t.defaultPrevented||(R($(P(p)),{select:!0}),document.activeElement===e&&M(p))}return()=>{p.removeEventListener(w,h);let t=p.ownerDocument,n=CustomEvent;setTimeout(()=>{let r=new n(C,S);p.addEventListener(C,v),p.dispatchEvent(r),r.defaultPrevented||M(e??t.body,{select:!0}),p.removeEventListener(C,v),L.remove(x)},0)}}},[p,h,v,x]);let I=n.useCallback(e=>{if(!r&&!u||x.paused)return;let t="Tab"===e.key&&!e.altKey&&!e.ctrlKey&&!e.metaKey,n=document.activeElement;if(t&&n){let t=e.currentTarget,[o,i]=k(t);o&&i?e.shiftKey||n!==i?e.shiftKey&&n===o&&(e.preventDefault(),r&&M(i,{select:!0})):(e.preventDefault(),r&&M(o,{select:!0})):n===t&&e.preventDefault()}},[r,u,x.paused]);return(0,s.jsx)(o.V.div,{tabIndex:-1,...f,ref:y,onKeyDown:I})},"FocusScope")),x=n.createContext(null);function I({registry:e,children:t}){return e?(0,s.jsx)(x.Provider,{value:e,children:t}):t}function O(){let[e,t]=n.useState([]);return{nodes:e,registry:n.useMemo(()=>({add:E(e=>t(t=>t.includes(e)?t:[...t,e]),"add"),remove:E(e=>t(t=>t.filter(t=>t!==e)),"remove")}),[])}}function N(e){let t=n.useContext(x);n.useEffect(()=>{if(e&&t)return t.add(e),()=>t.remove(e)},[e,t])}function R(e,{select:t=!1}={}){let n=document.activeElement;for(let r of e)if(M(r,{select:t}),document.activeElement!==n)return}function k(e){let t=P(e);return[D(t,e),D(t.reverse(),e)]}function P(e){let t=[],n=e.ownerDocument.createTreeWalker(e,NodeFilter.SHOW_ELEMENT,{acceptNode:E(e=>{let t="INPUT"===e.tagName&&"hidden"===e.type;return e.disabled||e.hidden||t?NodeFilter.FILTER_SKIP:e.tabIndex>=0?NodeFilter.FILTER_ACCEPT:NodeFilter.FILTER_SKIP},"acceptNode")});for(;n.nextNode();)t.push(n.currentNode);return t}function D(e,t){let n="function"==typeof t.checkVisibility&&t.checkVisibility({checkVisibilityCSS:!0});for(let r of e)if(!(n?!r.checkVisibility({checkVisibilityCSS:!0}):A(r,{upTo:t})))return r}function A(e,{upTo:t}){if("hidden"===getComputedStyle(e).visibility)return!0;for(;e&&(void 0===t||e!==t);){if("none"===getComputedStyle(e).display)return!0;e=e.parentElement}return!1}function _(e){return"INPUT"===e.tagName&&"function"==typeof e.select}function M(e,{select:t=!1}={}){if(e&&e.focus){let n=(e.ownerDocument??document).activeElement;e.focus({preventScroll:!0}),e!==n&&_(e)&&t&&e.select()}}E(I,"FocusScopeBranchProvider"),E(O,"useFocusScopeBranchRegistry"),E(N,"useFocusScopeBranch"),E(R,"focusFirst"),E(k,"getTabbableEdges"),E(P,"getTabbableCandidates"),E(D,"findVisible"),E(A,"isHidden"),E(_,"isSelectableInput"),E(M,"focus");var L=j();function j(){let e=[];return{add(t){let n=e[0];t!==n&&n?.pause(),(e=F(e,t)).unshift(t)},remove(t){e=F(e,t),e[0]?.resume()}}}function F(e,t){let n=[...e],r=n.indexOf(t);return -1!==r&&n.splice(r,1),n}function $(e){return e.filter(e=>"A"!==e.tagName)}E(j,"createFocusScopesStack"),E(F,"arrayRemove"),E($,"removeLinks"),e.s(["v",0,T,"l",0,I,"i",0,N,"D",0,O],65491);var W=e.i(74080),U=e.i(34620),B=Object.defineProperty,V=n.forwardRef(B(function(e,t){let{container:r,...i}=e,[a,u]=n.useState(!1);(0,U.f)(()=>u(!0),[]);let l=r||a&&globalThis?.document?.body;return l?W.createPortal((0,s.jsx)(o.V.div,{...i,ref:t}),l):null},"name",{value:"Portal",configurable:!0}));e.s(["f",0,V],74606)},10772,34620,e=>{"use strict";var t=e.i(71645),n=globalThis?.document?t.useLayoutEffect:()=>{};e.s(["f",0,n],34620);var r=Object.defineProperty,o=t[" useId ".trim().toString()]||(()=>void 0),i=0;function a(e){let[r,a]=t.useState(o());return n(()=>{e||a(e=>e??String(i++))},[e]),e||(r?`radix-${r}`:"")}r(a,"name",{value:"useId",configurable:!0}),e.s(["f",0,a],10772)},96626,e=>{"use strict";var t=e.i(71645),n=e.i(34620),r=Object.defineProperty,o=(e,t)=>r(e,"name",{value:t,configurable:!0});function i(e,n){return t.useReducer((e,t)=>n[e][t]??e,e)}o(i,"useStateMachine");var a=o(e=>{let{present:n,children:r}=e,o=s(n),i="function"==typeof r?r({present:o.isPresent}):t.Children.only(r),a=l(o.ref,d(i));return"function"==typeof r||o.isPresent?t.cloneElement(i,{ref:a}):null},"Presence");function s(e){let[r,a]=t.useState(),s=t.useRef(null),u=t.useRef(e),l=t.useRef("none"),d=t.useRef(void 0),[f,p]=i(e?"mounted":"unmounted",{mounted:{UNMOUNT:"unmounted",ANIMATION_OUT:"unmountSuspended"},unmountSuspended:{MOUNT:"mounted",ANIMATION_END:"unmounted"},unmounted:{MOUNT:"mounted"}});return t.useEffect(()=>{"mounted"===f?(l.current=d.current??c(s.current),d.current=void 0):l.current="none"},[f]),(0,n.f)(()=>{let t=s.current,n=u.current;if(n!==e){let r=l.current,o=c(t);e?(d.current=o,p("MOUNT")):"none"===o||t?.display==="none"?p("UNMOUNT"):n&&r!==o?p("ANIMATION_OUT"):p("UNMOUNT"),u.current=e}},[e,p]),(0,n.f)(()=>{if(r){let e,t=r.ownerDocument.defaultView??window,n=o(n=>{let o=c(s.current).includes(CSS.escape(n.animationName));if(n.target===r&&o&&(p("ANIMATION_END"),!u.current)){let n=r.style.animationFillMode;r.style.animationFillMode="forwards",e=t.setTimeout(()=>{"forwards"===r.style.animationFillMode&&(r.style.animationFillMode=n)})}},"handleAnimationEnd"),i=o(e=>{e.target===r&&(l.current=c(s.current))},"handleAnimationStart");return r.addEventListener("animationstart",i),r.addEventListener("animationcancel",n),r.addEventListener("animationend",n),()=>{t.clearTimeout(e),r.removeEventListener("animationstart",i),r.removeEventListener("animationcancel",n),r.removeEventListener("animationend",n)}}p("ANIMATION_END")},[r,p]),{isPresent:["mounted","unmountSuspended"].includes(f),ref:t.useCallback(e=>{if(e){let t=getComputedStyle(e);s.current=t,d.current=c(t)}else s.current=null;a(e)},[])}}function u(e,t){if("function"==typeof e)return e(t);null!=e&&(e.current=t)}function l(...e){let n=t.useRef(e);return n.current=e,t.useCallback(e=>{let t=n.current,r=!1,o=t.map(t=>{let n=u(t,e);return r||"function"!=typeof n||(r=!0),n});if(r)return()=>{for(let e=0;e<o.length;e++){let n=o[e];"function"==typeof n?n():u(t[e],null)}}},[])}function c(e){return e?.animationName||"none"}function d(e){let t=Object.getOwnPropertyDescriptor(e.props,"ref")?.get,n=t&&"isReactWarning"in t&&t.isReactWarning;return n?e.ref:(n=(t=Object.getOwnPropertyDescriptor(e,"ref")?.get)&&"isReactWarning"in t&&t.isReactWarning)?e.props.ref:e.props.ref||e.ref}o(s,"usePresence"),o(u,"setRef"),o(l,"useStableComposedRefs"),o(c,"getAnimationName"),o(d,"getElementRef"),e.s(["f",0,a])},48425,30207,e=>{"use strict";var t=e.i(71645),n=e.i(74080),r=e.i(91918),o=e.i(43476),i=Object.defineProperty,a=["a","button","div","form","h2","h3","img","input","label","li","nav","ol","p","select","span","svg","ul"].reduce((e,n)=>{let i=(0,r.f)(`Primitive.${n}`),a=t.forwardRef((e,t)=>{let{asChild:r,...a}=e;return"u">typeof window&&(window[Symbol.for("radix-ui")]=!0),(0,o.jsx)(r?i:n,{...a,ref:t})});return a.displayName=`Primitive.${n}`,{...e,[n]:a}},{});function s(e,t){e&&n.flushSync(()=>e.dispatchEvent(t))}i(s,"name",{value:"dispatchDiscreteCustomEvent",configurable:!0}),e.s(["V",0,a,"u",0,s],48425);var u=e.i(34620),l=Object.defineProperty,c=t[" useInsertionEffect ".trim().toString()];function d(e){let n=t.useRef(e);return"function"==typeof c?c(()=>{n.current=e}):(0,u.f)(()=>{n.current=e}),t.useMemo(()=>(...e)=>n.current?.(...e),[])}l(d,"name",{value:"useCallbackRef",configurable:!0}),e.s(["f",0,d],30207)},91918,e=>{"use strict";var t=e.i(71645),n=e.i(20783),r=Object.defineProperty,o=(e,t)=>r(e,"name",{value:t,configurable:!0});function i(e){let r=t.forwardRef((r,o)=>{let{children:i,...a}=r,d=null,p=!1,h=[];i=m(i),t.Children.forEach(i,e=>{if(c(e)){p=!0;let t="child"in e.props?e.props.child:e.props.children;for(;f(t)&&"function"==typeof y;)t=y(t._payload);d=s(e,t),h.push(d?.props?.children)}else h.push(e)}),d?d=t.cloneElement(d,void 0,h):!p&&1===t.Children.count(i)&&t.isValidElement(i)&&(d=i);let b=d?l(d):void 0,E=(0,n.f)(o,b);if(!d){if(i||0===i)throw Error(p?g(e):v(e));return i}let w=u(a,d.props??{});return d.type!==t.Fragment&&(w.ref=o?E:b),t.cloneElement(d,w)});return r.displayName=`${e}.Slot`,r}o(i,"createSlot");var a=Symbol.for("radix.slottable");o(function(e){let t=o(e=>"child"in e?e.children(e.child):e.children,"Slottable");return t.displayName=`${e}.Slottable`,t.__radixId=a,t},"createSlottable");var s=o((e,n)=>"child"in e.props?t.isValidElement(n)?t.cloneElement(n,void 0,e.props.children(n.props.children)):null:t.isValidElement(n)?n:null,"getSlottableElementFromSlottable");function u(e,t){let n={...t};for(let r in t){let o=e[r],i=t[r];/^on[A-Z]/.test(r)?o&&i?n[r]=(...e)=>{let t=i(...e);return o(...e),t}:o&&(n[r]=o):"style"===r?n[r]={...o,...i}:"className"===r?n[r]=[o,i].filter(Boolean).join(" "):"aria-describedby"===r&&(n[r]=h(i,o))}return{...e,...n}}function l(e){let t=Object.getOwnPropertyDescriptor(e.props,"ref")?.get,n=t&&"isReactWarning"in t&&t.isReactWarning;return n?e.ref:(n=(t=Object.getOwnPropertyDescriptor(e,"ref")?.get)&&"isReactWarning"in t&&t.isReactWarning)?e.props.ref:e.props.ref||e.ref}function c(e){return t.isValidElement(e)&&"function"==typeof e.type&&"__radixId"in e.type&&e.type.__radixId===a}o(u,"mergeProps"),o(l,"getElementRef"),o(c,"isSlottable");var d=Symbol.for("react.lazy");function f(e){return null!=e&&"object"==typeof e&&"$$typeof"in e&&e.$$typeof===d&&"_payload"in e&&p(e._payload)}function p(e){return"object"==typeof e&&null!==e&&"then"in e}function m(e){let t=e;for(;f(t)&&"function"==typeof y;)t=y(t._payload);return t}function h(...e){let t=new Set;for(let n of e)if("string"==typeof n)for(let e of String(n).trim().split(/\s+/))e&&t.add(e);return t.size>0?Array.from(t).join(" "):void 0}o(f,"isLazyComponent"),o(p,"isPromiseLike"),o(m,"useUnwrappedLazy"),o(h,"concatAriaDescribedby");var v=o(e=>`${e} failed to slot onto its children. Expected a single React element child or \`Slottable\`.`,"createSlotError"),g=o(e=>`${e} failed to slot onto its \`Slottable\`. Expected \`Slottable\` to receive a single React element child.`,"createSlottableError"),y=t[" use ".trim().toString()];e.s(["f",0,i])},69340,e=>{"use strict";var t=e.i(71645),n=e.i(34620),r=Object.defineProperty,o=t[" useEffectEvent ".trim().toString()],i=t[" useInsertionEffect ".trim().toString()];function a(e){if("function"==typeof o)return o(e);let r=t.useRef(()=>{throw Error("Cannot call an event handler while rendering.")});return"function"==typeof i?i(()=>{r.current=e}):(0,n.f)(()=>{r.current=e}),t.useMemo(()=>(...e)=>r.current?.(...e),[])}r(a,"name",{value:"useEffectEvent",configurable:!0});var s=Object.defineProperty,u=(e,t)=>s(e,"name",{value:t,configurable:!0}),l=t[" useInsertionEffect ".trim().toString()]||n.f;function c({prop:e,defaultProp:n,onChange:r=u(()=>{},"onChange"),caller:o}){let[i,a,s]=d({defaultProp:n,onChange:r}),l=void 0!==e,p=l?e:i;return[p,t.useCallback(t=>{if(l){let n=f(t)?t(e):t;n!==e&&s.current?.(n)}else a(t)},[l,e,a,s])]}function d({defaultProp:e,onChange:n}){let[r,o]=t.useState(e),i=t.useRef(r),a=t.useRef(n);return l(()=>{a.current=n},[n]),t.useEffect(()=>{i.current!==r&&(a.current?.(r),i.current=r)},[r,i]),[r,o,a]}function f(e){return"function"==typeof e}u(c,"useControllableState"),u(d,"useUncontrolledState"),u(f,"isFunction");var p=Symbol("RADIX:SYNC_STATE");u(function(e,n,r,o){let{prop:i,defaultProp:s,onChange:u,caller:l}=n,c=void 0!==i,d=a(u),f=[{...r,state:s}];o&&f.push(o);let[m,h]=t.useReducer((t,n)=>{if(n.type===p)return{...t,state:n.state};let r=e(t,n);return c&&!Object.is(r.state,t.state)&&d(r.state),r},...f),v=m.state,g=t.useRef(v);t.useEffect(()=>{g.current!==v&&(g.current=v,c||d(v))},[v,g,c]);let y=t.useMemo(()=>void 0!==i?{...m,state:i}:m,[m,i]);return t.useEffect(()=>{c&&!Object.is(i,m.state)&&h({type:p,state:i})},[i,m.state,c]),[y,h]},"useControllableStateReducer"),e.s(["f",0,c],69340)},74667,79916,89815,13854,81140,e=>{"use strict";var t=e.i(71645);class n extends String{__apiType;value;__meta__;constructor(e,t){super(e),this.value=e,this.__meta__=t}toString(){return this.value}}let r=new n(`
    subscription CallEvents($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) {
    __typename
    ... on CallEvent {
      cursor
      seq
      at
    }
    ... on StateChanged {
      before
      state
      endingFor
    }
    ... on UserTurn {
      turnId
      text
      messageId
      language
      confidence
      endOfTurn
    }
    ... on AgentTurn {
      turnId
      node
      agent
      text
      heardText
      interrupted
      more
      inHistory
    }
    ... on NodeEntered {
      node
      agent
      firstVisit
      skipped
    }
    ... on HandedOff {
      fromNode
      toNode
      via
      skipped
      contextPolicy
      lastN
      summary
      contextPassed
    }
    ... on HandoffRefused {
      fromNode
      toNode
      via
      message
    }
    ... on ToolStarted {
      toolCallId
      node
      tool
      arguments
    }
    ... on ToolFinished {
      toolCallId
      node
      tool
      arguments
      outcome
      result
      duration
    }
    ... on ContextChanged {
      path
      value
      removed
    }
    ... on CommandApplied {
      commandId
      command
    }
    ... on CommandRefused {
      commandId
      command
      message
    }
    ... on TurnMeasured {
      turnId
      total
      stt
      endOfTurn
      llmFirstToken
      ttsFirstByte
      playback
      firstAudio
      atEar
      line
      inputTokens
      outputTokens
      usage {
        kind
        provider
        model
        inputTokens
        cachedTokens
        outputTokens
        characters
        cost
        audio
      }
    }
    ... on UsageMeasured {
      usage {
        kind
        provider
        model
        inputTokens
        cachedTokens
        outputTokens
        characters
        cost
        audio
      }
    }
    ... on ProviderFailedOver {
      providerKind
      provider
      model
      available
    }
    ... on ErrorRaised {
      source
      message
      recoverable
    }
    ... on WorkerReplaced {
      epoch
    }
    ... on WorkerLeft {
      epoch
    }
    ... on DialStarted {
      trunk
      fromNumber
      toNumber
      ringing
    }
    ... on DialFailed {
      reason
      sipStatus
      after
    }
    ... on CallerPresent {
      present
    }
    ... on CallerSilent {
      duration
    }
    ... on RecordingStarted {
      announced
    }
    ... on CallAnswered {
      after
    }
    ... on AnsweredBy {
      by
      evidence
      quote
      decidedAfter
      revises
    }
    ... on MessageLeft {
      text
      toneHeard
      heard
    }
    ... on ScreenerAnswered {
      round
      text
    }
    ... on DtmfSent {
      digits
    }
    ... on DtmfReceived {
      digits
    }
    ... on DtmfRequested {
      toolCallId
      name
      masked
    }
    ... on DtmfCollected {
      toolCallId
      name
      masked
      pressed
      count
      attempts
      complete
    }
    ... on TransferStarted {
      transferId
      mode
      requestedBy
      node
      number
      trunk
      ringing
    }
    ... on TransferAdvanced {
      transferId
      phase
      brief
    }
    ... on TransferFailed {
      transferId
      failure
      sipStatus
    }
    ... on TransferIsolationLost {
      transferId
    }
    ... on CallerQueued {
      stage
      position
      waited
    }
    ... on CallerDequeued {
      waited
    }
    ... on NewDestination {
      region
    }
    ... on CallEnded {
      state
      reason
      blame
      duration
    }
    ... on PartialTranscript {
      turnId
      rev
      speaker
      text
    }
  }
}
    `),o=new n(`
    mutation SendMessage($input: SendMessageInput!) {
  sendMessage(input: $input) {
    __typename
    ... on SendMessageSuccess {
      turnId
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),i=new n(`
    mutation EndCall($input: EndCallInput!) {
  endCall(input: $input) {
    __typename
    ... on EndCallSuccess {
      call {
        id
        state
      }
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),a=new n(`
    mutation Login($input: LoginInput!) {
  login(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
      refreshToken
      expiresAt
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),s=new n(`
    mutation RefreshSession($input: SessionInput!) {
  refreshSession(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
      refreshToken
      expiresAt
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),u=new n(`
    mutation FinishSignIn($input: FinishSignInInput!) {
  finishSignIn(input: $input) {
    __typename
    ... on FinishSignInSuccess {
      endSessionUrl
      session {
        accessToken
        refreshToken
        expiresAt
      }
    }
    ... on SignInRefused {
      reason
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),l=new n(`
    mutation SwitchTenant($input: SwitchTenantInput!) {
  switchTenant(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
      refreshToken
      expiresAt
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),c=new n(`
    mutation Logout($input: SessionInput!) {
  logout(input: $input) {
    done
  }
}
    `),d=new n(`
    query SignInOptions($tenant: String!) {
  signInOptions(tenant: $tenant) {
    label
    startUrl
  }
}
    `);async function*f(e,t,n={}){let o={callId:t,after:n.after??null},i=n.signal?{signal:n.signal}:{};for await(let{callEvents:t}of e.subscribe(r,o,i))yield t}new n(`
    mutation StartVisitorCall($input: StartCallInput!) {
  startCall(input: $input) {
    __typename
    ... on StartCallSuccess {
      callId
      join {
        url
        token
      }
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),new n(`
    subscription Conversation($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) {
    __typename
    ... on CallEvent {
      cursor
    }
    ... on PartialTranscript {
      turnId
      speaker
      text
    }
    ... on UserTurn {
      turnId
      text
    }
    ... on AgentTurn {
      turnId
      agent
      text
    }
    ... on CallEnded {
      reason
    }
  }
}
    `),e.s(["w",0,r,"F",0,i,"Q",0,u,"_",0,a,"G",0,c,"v",0,s,"C",0,o,"g",0,d,"T",0,l],79916);class p{#e;#t=null;#n=null;#r=null;#o=[];#i=new Map;#a=new Set;#s=new Map;#u=new Map;#l=[];#c=null;constructor(e){this.#e=e}snapshot(){return{state:this.#t,node:this.#n,agent:this.#r,turns:[...this.#o,...[...this.#i.values()].map(e=>this.#d(e))],tools:[...this.#s.values()],context:new Map(this.#u),events:this.#l.slice(-this.#e),ended:this.#c}}add(e){if("PartialTranscript"===e.__typename)return this.#f(e);this.#l.push(e),this.#l.length>2*this.#e&&(this.#l=this.#l.slice(-this.#e)),this.#p(e)}#p(e){switch(e.__typename){case"StateChanged":this.#t=e.state;break;case"NodeEntered":this.#n=e.node,this.#r=e.agent;break;case"UserTurn":case"AgentTurn":this.#m(e);break;case"TurnMeasured":this.#h(e);break;case"ToolStarted":case"ToolFinished":this.#v(e);break;case"ContextChanged":e.removed?this.#u.delete(e.path):this.#u.set(e.path,e.value);break;case"CallEnded":this.#t=e.state,this.#c=e,this.#i.clear()}}#f(e){let t=this.#i.get(e.speaker),n=this.#a.has(e.turnId)||t?.turnId===e.turnId&&t.rev>=e.rev;this.#c||n||(e.text?this.#i.set(e.speaker,e):this.#i.delete(e.speaker))}#m(e){let t="UserTurn"===e.__typename?"CALLER":"AGENT";this.#a.add(e.turnId),this.#i.delete(t);let{turnId:n,text:r,at:o}=e,i="AgentTurn"===e.__typename?e:null;this.#o.push({turnId:n,speaker:t,agent:i?.agent??null,text:r,heardText:i?.heardText??null,interrupted:i?.interrupted??!1,partial:!1,at:o,measured:null})}#h(e){let t=this.#o.findLastIndex(({speaker:e})=>"AGENT"===e),n=this.#o[t];n&&(this.#o[t]={...n,measured:e})}#v(e){let{toolCallId:t,tool:n,node:r,at:o}=e,i="ToolFinished"===e.__typename?e:null;this.#s.set(t,{toolCallId:t,tool:n,node:r,arguments:e.arguments,outcome:i?.outcome??null,result:i?.result??null,startedAt:this.#s.get(t)?.startedAt??o,duration:i?.duration??null})}#d({turnId:e,speaker:t,text:n}){let r="AGENT"===t?this.#r:null;return{turnId:e,speaker:t,agent:r,text:n,heardText:null,interrupted:!1,partial:!0,at:null,measured:null}}}class m{#g=new Set;#y;constructor(e){this.#y=e}get=()=>this.#y;subscribe=e=>(this.#g.add(e),()=>void this.#g.delete(e));set(e){if(!Object.is(e,this.#y))for(let t of(this.#y=e,[...this.#g]))t()}}e.s(["f",0,m],89815);class h extends Error{name="RequestFailed";error;constructor(e){super(`${e.message} (${e.code})`),this.error=e}}let v=(e,t=[],n={})=>({ok:!0,value:e,errors:t,extensions:n}),g=e=>({ok:!1,error:e});function y(e,t){return b([{message:t,extensions:{code:e}}])}function b(e){let[t]=e,{code:n,docs:r,retryAfter:o,missing:i,ref:a}=t?.extensions??{};return{__typename:"RequestError",code:"string"==typeof n?n:"BAD_RESPONSE",message:t?.message??"The response has neither data nor errors.",path:t?.path??[],docs:"string"==typeof r?r:null,retryAfter:"number"==typeof o?o:null,missing:Array.isArray(i)?i.map(String):[],ref:"string"==typeof a?a:null,errors:e}}e.s(["X",0,h,"k",0,y,"c",0,g,"N",0,function(e){if("object"!=typeof e||null===e)return g(b([]));let{data:t,errors:n,extensions:r}=e;return null==t?g(b(n??[])):n?.length&&Object.entries(t).every(([e,t])=>"__typename"===e||null===t)?g(b(n)):v(t,n,r)},"O",0,b,"i",0,v],13854);class E{#b;#E;#e;#w;#C;#S;#T="CONNECTING";#x=null;#I=0;#O=null;#N;#R;constructor(e,t,n){this.#b=e,this.#E=t,this.#e=n,this.#C=new p(n),this.#w=new m(this.#k())}get=()=>this.#w.get();subscribe=e=>{let t=this.#w.subscribe(e);return clearTimeout(this.#R),this.#I+=1,this.#O||"COMPLETE"===this.#T||this.#P(),()=>{t(),this.#I-=1,0===this.#I&&(this.#R=setTimeout(()=>this.#D(),1e3))}};send=e=>this.#b.mutate(o,{input:{callId:this.#E,text:e,idempotencyKey:crypto.randomUUID()}});end=()=>this.#b.mutate(i,{input:{callId:this.#E,byCaller:!0}});#D(){this.#O?.abort(),this.#O=null}async #P(){let e=this.#O=new AbortController;"FAILED"===this.#T&&(this.#T="CONNECTING"),this.#x=null;let{connection:t}=this.#b,n=t.subscribe(()=>{let e=t.get();"RECONNECTING"===e&&"LIVE"===this.#T&&this.#A("RECONNECTING"),"CONNECTED"===e&&"RECONNECTING"===this.#T&&this.#A("LIVE")});try{await this.#_(e.signal),this.#A("COMPLETE")}catch(t){if(e.signal.aborted)return;this.#x=function(e){if(e instanceof h)return e.error;if(e instanceof DOMException)return y("DISCONNECTED",e.message);throw e}(t),this.#A("FAILED")}finally{n(),this.#O===e&&(this.#O=null)}}async #_(e){let t=this.#S;try{for await(let n of f(this.#b,this.#E,t?{after:t,signal:e}:{signal:e}))this.#C.add(n),"cursor"in n&&(this.#S=n.cursor),this.#A("LIVE")}catch(t){if(!(t instanceof h)||"CURSOR_EXPIRED"!==t.error.code)throw t;this.#C=new p(this.#e),this.#S=void 0,await this.#_(e)}}#A(e){if(this.#T=e,"COMPLETE"===e||"FAILED"===e)return this.#M();this.#N??=setTimeout(()=>this.#M(),80)}#M(){clearTimeout(this.#N),this.#N=void 0,this.#w.set(this.#k())}#k(){return{...this.#C.snapshot(),status:this.#T,error:this.#x}}}let w=(0,t.createContext)(null);function C(){let e=(0,t.useContext)(w);if(!e)throw Error("There is no <StudioProvider> around this component.");return e}function S({get:e,subscribe:n}){return(0,t.useSyncExternalStore)(n,e,e)}e.s(["z",0,function({studio:e,children:n}){return(0,t.createElement)(w.Provider,{value:e},n)},"n",0,function(){return S(C().connection)},"y",0,function(e){let n=C(),r=(0,t.useMemo)(()=>(function(e,t,n={}){return new E(e,t,n.keepEvents??2e4)})(n,e),[n,e]),o=S(r);return(0,t.useMemo)(()=>({...o,send:r.send,end:r.end}),[o,r])},"S",0,C],74667);var T=Object.defineProperty,x=(e,t)=>T(e,"name",{value:t,configurable:!0}),I=!!("u">typeof window&&window.document&&window.document.createElement);function O(e,t,{checkForDefaultPrevented:n=!0}={}){return x(function(r){if(e?.(r),!1===n||!r||!r.defaultPrevented)return t?.(r)},"handleEvent")}function N(e){if(!I)throw Error("Cannot access document outside of the DOM");return e?.ownerDocument??document}function R(e){return"IFRAME"===e.tagName}x(O,"composeEventHandlers"),x(function(e){if(!I)throw Error("Cannot access window outside of the DOM");return e?.ownerDocument?.defaultView??window},"getOwnerWindow"),x(N,"getOwnerDocument"),x(function e(t,n=!1){let{activeElement:r}=N(t);if(!r?.nodeName)return null;if(R(r)&&r.contentDocument)return e(r.contentDocument.body,n);if(n){let e=r.getAttribute("aria-activedescendant");if(e){let t=N(r).getElementById(e);if(t)return t}}return r},"getActiveElement"),x(R,"isFrame"),e.s(["f",0,O],81140)},16726,3536,36271,85369,86312,20298,99467,63836,38924,77470,e=>{"use strict";var t,n,r,o,i,a,s,u=e.i(43476),l=e.i(71645),c=e.i(81140),d=e.i(20783),f=e.i(30030),p=e.i(10772),m=e.i(69340),h=e.i(26330),v=e.i(65491),g=e.i(74606),y=e.i(96626),b=e.i(48425),E=Object.defineProperty,w=(e,t)=>E(e,"name",{value:t,configurable:!0}),C=0,S=null;function T(){l.useEffect(()=>{S||(S={start:x(),end:x()});let{start:e,end:t}=S;return document.body.firstElementChild!==e&&document.body.insertAdjacentElement("afterbegin",e),document.body.lastElementChild!==t&&document.body.insertAdjacentElement("beforeend",t),C++,()=>{1===C&&(S?.start.remove(),S?.end.remove(),S=null),C=Math.max(0,C-1)}},[])}function x(){let e=document.createElement("span");return e.setAttribute("data-radix-focus-guard",""),e.tabIndex=0,e.style.outline="none",e.style.opacity="0",e.style.position="fixed",e.style.pointerEvents="none",e}w(function(e){return T(),e.children},"FocusGuards"),w(T,"useFocusGuards"),w(x,"createFocusGuard"),e.s(["f",0,T],3536);var I=e.i(34620),O=function(){return(O=Object.assign||function(e){for(var t,n=1,r=arguments.length;n<r;n++)for(var o in t=arguments[n])Object.prototype.hasOwnProperty.call(t,o)&&(e[o]=t[o]);return e}).apply(this,arguments)};function N(e,t){var n={};for(var r in e)Object.prototype.hasOwnProperty.call(e,r)&&0>t.indexOf(r)&&(n[r]=e[r]);if(null!=e&&"function"==typeof Object.getOwnPropertySymbols)for(var o=0,r=Object.getOwnPropertySymbols(e);o<r.length;o++)0>t.indexOf(r[o])&&Object.prototype.propertyIsEnumerable.call(e,r[o])&&(n[r[o]]=e[r[o]]);return n}var R=("function"==typeof SuppressedError&&SuppressedError,"right-scroll-bar-position"),k="width-before-scroll-bar";function P(e,t){return"function"==typeof e?e(t):e&&(e.current=t),e}var D="u">typeof window?l.useLayoutEffect:l.useEffect,A=new WeakMap,_=(void 0===t&&(t={}),(void 0===n&&(n=function(e){return e}),r=[],o=!1,i={read:function(){if(o)throw Error("Sidecar: could not `read` from an `assigned` medium. `read` could be used only with `useMedium`.");return r.length?r[r.length-1]:null},useMedium:function(e){var t=n(e,o);return r.push(t),function(){r=r.filter(function(e){return e!==t})}},assignSyncMedium:function(e){for(o=!0;r.length;){var t=r;r=[],t.forEach(e)}r={push:function(t){return e(t)},filter:function(){return r}}},assignMedium:function(e){o=!0;var t=[];if(r.length){var n=r;r=[],n.forEach(e),t=r}var i=function(){var n=t;t=[],n.forEach(e)},a=function(){return Promise.resolve().then(i)};a(),r={push:function(e){t.push(e),a()},filter:function(e){return t=t.filter(e),r}}}}).options=O({async:!0,ssr:!1},t),i),M=function(){},L=l.forwardRef(function(e,t){var n,r,o,i,a=l.useRef(null),s=l.useState({onScrollCapture:M,onWheelCapture:M,onTouchMoveCapture:M}),u=s[0],c=s[1],d=e.forwardProps,f=e.children,p=e.className,m=e.removeScrollBar,h=e.enabled,v=e.shards,g=e.sideCar,y=e.noRelative,b=e.noIsolation,E=e.inert,w=e.allowPinchZoom,C=e.as,S=e.gapMode,T=N(e,["forwardProps","children","className","removeScrollBar","enabled","shards","sideCar","noRelative","noIsolation","inert","allowPinchZoom","as","gapMode"]),x=(n=[a,t],r=function(e){return n.forEach(function(t){return P(t,e)})},(o=(0,l.useState)(function(){return{value:null,callback:r,facade:{get current(){return o.value},set current(e){var t=o.value;t!==e&&(o.value=e,o.callback(e,t))}}}})[0]).callback=r,i=o.facade,D(function(){var e=A.get(i);if(e){var t=new Set(e),r=new Set(n),o=i.current;t.forEach(function(e){r.has(e)||P(e,null)}),r.forEach(function(e){t.has(e)||P(e,o)})}A.set(i,n)},[n]),i),I=O(O({},T),u);return l.createElement(l.Fragment,null,h&&l.createElement(g,{sideCar:_,removeScrollBar:m,shards:v,noRelative:y,noIsolation:b,inert:E,setCallbacks:c,allowPinchZoom:!!w,lockRef:a,gapMode:S}),d?l.cloneElement(l.Children.only(f),O(O({},I),{ref:x})):l.createElement(void 0===C?"div":C,O({},I,{className:p,ref:x}),f))});L.defaultProps={enabled:!0,removeScrollBar:!0,inert:!1},L.classNames={fullWidth:k,zeroRight:R};var j=function(e){var t=e.sideCar,n=N(e,["sideCar"]);if(!t)throw Error("Sidecar: please provide `sideCar` property to import the right car");var r=t.read();if(!r)throw Error("Sidecar medium not found");return l.createElement(r,O({},n))};j.isSideCarExport=!0;var F=function(){return s||("u">typeof __webpack_nonce__?__webpack_nonce__:void 0)};e.s(["Q",0,F,"R",0,function(e){s=e}],36271);var $=function(){var e=0,t=null;return{add:function(n){if(0==e&&(t=function(){if(!document)return null;var e=document.createElement("style");e.type="text/css";var t=F();return t&&e.setAttribute("nonce",t),e}())){var r,o;(r=t).styleSheet?r.styleSheet.cssText=n:r.appendChild(document.createTextNode(n)),o=t,(document.head||document.getElementsByTagName("head")[0]).appendChild(o)}e++},remove:function(){--e||!t||(t.parentNode&&t.parentNode.removeChild(t),t=null)}}},W=function(){var e=$();return function(t,n){l.useEffect(function(){return e.add(t),function(){e.remove()}},[t&&n])}},U=function(){var e=W();return function(t){return e(t.styles,t.dynamic),null}},B={left:0,top:0,right:0,gap:0},V=function(e){return parseInt(e||"",10)||0},K=function(e){var t=window.getComputedStyle(document.body),n=t["padding"===e?"paddingLeft":"marginLeft"],r=t["padding"===e?"paddingTop":"marginTop"],o=t["padding"===e?"paddingRight":"marginRight"];return[V(n),V(r),V(o)]},z=function(e){if(void 0===e&&(e="margin"),"u"<typeof window)return B;var t=K(e),n=document.documentElement.clientWidth,r=window.innerWidth;return{left:t[0],top:t[1],right:t[2],gap:Math.max(0,r-n+t[2]-t[0])}},G=U(),H="data-scroll-locked",X=function(e,t,n,r){var o=e.left,i=e.top,a=e.right,s=e.gap;return void 0===n&&(n="margin"),"\n  .".concat("with-scroll-bars-hidden"," {\n   overflow: hidden ").concat(r,";\n   padding-right: ").concat(s,"px ").concat(r,";\n  }\n  body[").concat(H,"] {\n    overflow: hidden ").concat(r,";\n    overscroll-behavior: contain;\n    ").concat([t&&"position: relative ".concat(r,";"),"margin"===n&&"\n    padding-left: ".concat(o,"px;\n    padding-top: ").concat(i,"px;\n    padding-right: ").concat(a,"px;\n    margin-left:0;\n    margin-top:0;\n    margin-right: ").concat(s,"px ").concat(r,";\n    "),"padding"===n&&"padding-right: ".concat(s,"px ").concat(r,";")].filter(Boolean).join(""),"\n  }\n  \n  .").concat(R," {\n    right: ").concat(s,"px ").concat(r,";\n  }\n  \n  .").concat(k," {\n    margin-right: ").concat(s,"px ").concat(r,";\n  }\n  \n  .").concat(R," .").concat(R," {\n    right: 0 ").concat(r,";\n  }\n  \n  .").concat(k," .").concat(k," {\n    margin-right: 0 ").concat(r,";\n  }\n  \n  body[").concat(H,"] {\n    ").concat("--removed-body-scroll-bar-size",": ").concat(s,"px;\n  }\n")},q=function(){var e=parseInt(document.body.getAttribute(H)||"0",10);return isFinite(e)?e:0},Y=function(){l.useEffect(function(){return document.body.setAttribute(H,(q()+1).toString()),function(){var e=q()-1;e<=0?document.body.removeAttribute(H):document.body.setAttribute(H,e.toString())}},[])},Z=function(e){var t=e.noRelative,n=e.noImportant,r=e.gapMode,o=void 0===r?"margin":r;Y();var i=l.useMemo(function(){return z(o)},[o]);return l.createElement(G,{styles:X(i,!t,o,n?"":"!important")})},Q=!1;if("u">typeof window)try{var J=Object.defineProperty({},"passive",{get:function(){return Q=!0,!0}});window.addEventListener("test",J,J),window.removeEventListener("test",J,J)}catch(e){Q=!1}var ee=!!Q&&{passive:!1},et=function(e,t){if(!(e instanceof Element))return!1;var n=window.getComputedStyle(e);return"hidden"!==n[t]&&(n.overflowY!==n.overflowX||"TEXTAREA"===e.tagName||"visible"!==n[t])},en=function(e,t){var n=t.ownerDocument,r=t;do{if("u">typeof ShadowRoot&&r instanceof ShadowRoot&&(r=r.host),er(e,r)){var o=eo(e,r);if(o[1]>o[2])return!0}r=r.parentNode}while(r&&r!==n.body)return!1},er=function(e,t){return"v"===e?et(t,"overflowY"):et(t,"overflowX")},eo=function(e,t){return"v"===e?[t.scrollTop,t.scrollHeight,t.clientHeight]:[t.scrollLeft,t.scrollWidth,t.clientWidth]},ei=function(e,t,n,r,o){var i,a=(i=window.getComputedStyle(t).direction,"h"===e&&"rtl"===i?-1:1),s=a*r,u=n.target,l=t.contains(u),c=!1,d=s>0,f=0,p=0;do{if(!u)break;var m=eo(e,u),h=m[0],v=m[1]-m[2]-a*h;(h||v)&&er(e,u)&&(f+=v,p+=h);var g=u.parentNode;u=g&&g.nodeType===Node.DOCUMENT_FRAGMENT_NODE?g.host:g}while(!l&&u!==document.body||l&&(t.contains(u)||t===u))return d&&(o&&1>Math.abs(f)||!o&&s>f)?c=!0:!d&&(o&&1>Math.abs(p)||!o&&-s>p)&&(c=!0),c},ea=function(e){return"changedTouches"in e?[e.changedTouches[0].clientX,e.changedTouches[0].clientY]:[0,0]},es=function(e){return[e.deltaX,e.deltaY]},eu=function(e){return e&&"current"in e?e.current:e},el=0,ec=[];let ed=(a=function(e){var t=l.useRef([]),n=l.useRef([0,0]),r=l.useRef(),o=l.useState(el++)[0],i=l.useState(U)[0],a=l.useRef(e);l.useEffect(function(){a.current=e},[e]),l.useEffect(function(){if(e.inert){document.body.classList.add("block-interactivity-".concat(o));var t=(function(e,t,n){if(n||2==arguments.length)for(var r,o=0,i=t.length;o<i;o++)!r&&o in t||(r||(r=Array.prototype.slice.call(t,0,o)),r[o]=t[o]);return e.concat(r||Array.prototype.slice.call(t))})([e.lockRef.current],(e.shards||[]).map(eu),!0).filter(Boolean);return t.forEach(function(e){return e.classList.add("allow-interactivity-".concat(o))}),function(){document.body.classList.remove("block-interactivity-".concat(o)),t.forEach(function(e){return e.classList.remove("allow-interactivity-".concat(o))})}}},[e.inert,e.lockRef.current,e.shards]);var s=l.useCallback(function(e,t){if("touches"in e&&2===e.touches.length||"wheel"===e.type&&e.ctrlKey)return!a.current.allowPinchZoom;var o,i=ea(e),s=n.current,u="deltaX"in e?e.deltaX:s[0]-i[0],l="deltaY"in e?e.deltaY:s[1]-i[1],c=e.target,d=Math.abs(u)>Math.abs(l)?"h":"v";if("touches"in e&&"h"===d&&"range"===c.type)return!1;var f=window.getSelection(),p=f&&f.anchorNode;if(p&&(p===c||p.contains(c)))return!1;var m=en(d,c);if(!m)return!0;if(m?o=d:(o="v"===d?"h":"v",m=en(d,c)),!m)return!1;if(!r.current&&"changedTouches"in e&&(u||l)&&(r.current=o),!o)return!0;var h=r.current||o;return ei(h,t,e,"h"===h?u:l,!0)},[]),u=l.useCallback(function(e){if(ec.length&&ec[ec.length-1]===i){var n="deltaY"in e?es(e):ea(e),r=t.current.filter(function(t){var r;return t.name===e.type&&(t.target===e.target||e.target===t.shadowParent)&&(r=t.delta,r[0]===n[0]&&r[1]===n[1])})[0];if(r&&r.should){e.cancelable&&e.preventDefault();return}if(!r){var o=(a.current.shards||[]).map(eu).filter(Boolean).filter(function(t){return t.contains(e.target)});(o.length>0?s(e,o[0]):!a.current.noIsolation)&&e.cancelable&&e.preventDefault()}}},[]),c=l.useCallback(function(e,n,r,o){var i={name:e,delta:n,target:r,should:o,shadowParent:function(e){for(var t=null;null!==e;)e instanceof ShadowRoot&&(t=e.host,e=e.host),e=e.parentNode;return t}(r)};t.current.push(i),setTimeout(function(){t.current=t.current.filter(function(e){return e!==i})},1)},[]),d=l.useCallback(function(e){n.current=ea(e),r.current=void 0},[]),f=l.useCallback(function(t){c(t.type,es(t),t.target,s(t,e.lockRef.current))},[]),p=l.useCallback(function(t){c(t.type,ea(t),t.target,s(t,e.lockRef.current))},[]);l.useEffect(function(){return ec.push(i),e.setCallbacks({onScrollCapture:f,onWheelCapture:f,onTouchMoveCapture:p}),document.addEventListener("wheel",u,ee),document.addEventListener("touchmove",u,ee),document.addEventListener("touchstart",d,ee),function(){ec=ec.filter(function(e){return e!==i}),document.removeEventListener("wheel",u,ee),document.removeEventListener("touchmove",u,ee),document.removeEventListener("touchstart",d,ee)}},[]);var m=e.removeScrollBar,h=e.inert;return l.createElement(l.Fragment,null,h?l.createElement(i,{styles:"\n  .block-interactivity-".concat(o," {pointer-events: none;}\n  .allow-interactivity-").concat(o," {pointer-events: all;}\n")}):null,m?l.createElement(Z,{noRelative:e.noRelative,gapMode:e.gapMode}):null)},_.useMedium(a),j);var ef=l.forwardRef(function(e,t){return l.createElement(L,O({},e,{ref:t,sideCar:ed}))});ef.classNames=L.classNames,e.s(["f",0,ef],85369);var ep=new WeakMap,em=new WeakMap,eh={},ev=0,eg=function(e){return e&&(e.host||eg(e.parentNode))},ey=function(e,t,n,r){var o=(Array.isArray(e)?e:[e]).map(function(e){if(t.contains(e))return e;var n=eg(e);return n&&t.contains(n)?n:(console.error("aria-hidden",e,"in not contained inside",t,". Doing nothing"),null)}).filter(function(e){return!!e});eh[n]||(eh[n]=new WeakMap);var i=eh[n],a=[],s=new Set,u=new Set(o),l=function(e){!e||s.has(e)||(s.add(e),l(e.parentNode))};o.forEach(l);var c=function(e){!e||u.has(e)||Array.prototype.forEach.call(e.children,function(e){if(s.has(e))c(e);else try{var t=e.getAttribute(r),o=null!==t&&"false"!==t,u=(ep.get(e)||0)+1,l=(i.get(e)||0)+1;ep.set(e,u),i.set(e,l),a.push(e),1===u&&o&&em.set(e,!0),1===l&&e.setAttribute(n,"true"),o||e.setAttribute(r,"true")}catch(t){console.error("aria-hidden: cannot operate on ",e,t)}})};return c(t),s.clear(),ev++,function(){a.forEach(function(e){var t=ep.get(e)-1,o=i.get(e)-1;ep.set(e,t),i.set(e,o),t||(em.has(e)||e.removeAttribute(r),em.delete(e)),o||e.removeAttribute(n)}),--ev||(ep=new WeakMap,ep=new WeakMap,em=new WeakMap,eh={})}},eb=function(e,t,n){void 0===n&&(n="data-aria-hidden");var r=Array.from(Array.isArray(e)?e:[e]),o=t||("u"<typeof document?null:(Array.isArray(e)?e[0]:e).ownerDocument.body);return o?(r.push.apply(r,Array.from(o.querySelectorAll("[aria-live], script"))),ey(r,o,n,"aria-hidden")):function(){return null}};e.s(["f",0,eb],86312);var eE=e.i(91918),ew=Object.defineProperty,eC=(e,t)=>ew(e,"name",{value:t,configurable:!0}),eS="Dialog",[eT,ex]=(0,f.f)(eS),[eI,eO]=eT(eS),eN=eC(e=>{let{__scopeDialog:t,children:n,open:r,defaultOpen:o,onOpenChange:i,modal:a=!0}=e,s=l.useRef(null),c=l.useRef(null),{nodes:d,registry:f}=(0,v.D)(),[h,g]=(0,m.f)({prop:r,defaultProp:o??!1,onChange:i,caller:eS}),[y,b]=l.useState(0),[E,w]=l.useState(0);return(0,u.jsx)(eI,{scope:t,triggerRef:s,contentRef:c,contentId:(0,p.f)(),titleId:(0,p.f)(),descriptionId:(0,p.f)(),titlePresent:y>0,descriptionPresent:E>0,setTitleCount:b,setDescriptionCount:w,open:h,onOpenChange:g,onOpenToggle:l.useCallback(()=>g(e=>!e),[g]),modal:a,branchNodes:d,branchRegistry:f,children:n})},"Dialog"),eR="DialogPortal",[ek,eP]=eT(eR,{forceMount:void 0}),eD=eC(e=>{let{__scopeDialog:t,forceMount:n,children:r,container:o}=e,i=eO(eR,t);return(0,u.jsx)(ek,{scope:t,forceMount:n,children:l.Children.map(r,e=>(0,u.jsx)(y.f,{present:n||i.open,children:(0,u.jsx)(g.f,{asChild:!0,container:o,children:e})}))})},"DialogPortal"),eA="DialogOverlay",e_=l.forwardRef(eC(function(e,t){let n=eP(eA,e.__scopeDialog),{forceMount:r=n.forceMount,...o}=e,i=eO(eA,e.__scopeDialog);return i.modal?(0,u.jsx)(y.f,{present:r||i.open,children:(0,u.jsx)(eL,{...o,ref:t})}):null},"DialogOverlay")),eM=(0,eE.f)("DialogOverlay.RemoveScroll"),eL=l.forwardRef(eC(function(e,t){let{__scopeDialog:n,...r}=e,o=eO(eA,n),i=(0,h.y)(),a=(0,d.f)(t,i);return(0,u.jsx)(ef,{as:eM,allowPinchZoom:!0,shards:l.useMemo(()=>[o.contentRef,...o.branchNodes.map(e=>({current:e}))],[o.contentRef,o.branchNodes]),children:(0,u.jsx)(b.V.div,{"data-state":ez(o.open),...r,ref:a,style:{pointerEvents:"auto",...r.style}})})},"DialogOverlayImpl")),ej="DialogContent",eF=l.forwardRef(eC(function(e,t){let n=eP(ej,e.__scopeDialog),{forceMount:r=n.forceMount,...o}=e,i=eO(ej,e.__scopeDialog);return(0,u.jsx)(y.f,{present:r||i.open,children:i.modal?(0,u.jsx)(e$,{...o,ref:t}):(0,u.jsx)(eW,{...o,ref:t})})},"DialogContent")),e$=l.forwardRef(eC(function(e,t){let n=eO(ej,e.__scopeDialog),r=l.useRef(null),o=(0,d.f)(t,n.contentRef,r);return l.useEffect(()=>{let e=r.current;if(e)return eb(e)},[]),(0,u.jsx)(eU,{...e,ref:o,trapFocus:n.open,disableOutsidePointerEvents:n.open,onCloseAutoFocus:(0,c.f)(e.onCloseAutoFocus,e=>{e.preventDefault(),n.triggerRef.current?.focus()}),onPointerDownOutside:(0,c.f)(e.onPointerDownOutside,e=>{let t=e.detail.originalEvent,n=0===t.button&&!0===t.ctrlKey;(2===t.button||n)&&e.preventDefault()}),onFocusOutside:(0,c.f)(e.onFocusOutside,e=>e.preventDefault())})},"DialogContentModal")),eW=l.forwardRef(eC(function(e,t){let n=eO(ej,e.__scopeDialog),r=l.useRef(!1),o=l.useRef(!1);return(0,u.jsx)(eU,{...e,ref:t,trapFocus:!1,disableOutsidePointerEvents:!1,onCloseAutoFocus:t=>{e.onCloseAutoFocus?.(t),t.defaultPrevented||(r.current||n.triggerRef.current?.focus(),t.preventDefault()),r.current=!1,o.current=!1},onInteractOutside:t=>{e.onInteractOutside?.(t),t.defaultPrevented||(r.current=!0,"pointerdown"===t.detail.originalEvent.type&&(o.current=!0));let i=t.target;n.triggerRef.current?.contains(i)&&t.preventDefault(),"focusin"===t.detail.originalEvent.type&&o.current&&t.preventDefault()}})},"DialogContentNonModal")),eU=l.forwardRef(eC(function(e,t){let{__scopeDialog:n,trapFocus:r,onOpenAutoFocus:o,onCloseAutoFocus:i,"aria-describedby":a,children:s,...l}=e,c=eO(ej,n);return T(),(0,u.jsx)(v.l,{registry:c.branchRegistry,children:(0,u.jsx)(v.v,{asChild:!0,loop:!0,trapped:r,branches:c.branchNodes,onMountAutoFocus:o,onUnmountAutoFocus:i,children:(0,u.jsx)(h.V,{role:"dialog",id:c.contentId,"aria-labelledby":c.titlePresent?c.titleId:void 0,"aria-describedby":c.descriptionPresent?eK(a,c.descriptionId):a,"data-state":ez(c.open),...l,ref:t,deferPointerDownOutside:!0,onDismiss:()=>c.onOpenChange(!1),children:s})})})},"DialogContentImpl")),eB=l.forwardRef(eC(function(e,t){let{__scopeDialog:n,...r}=e,o=eO("DialogTitle",n),{setTitleCount:i}=o;return(0,I.f)(()=>(i(e=>e+1),()=>i(e=>e-1)),[i]),(0,u.jsx)(b.V.h2,{id:o.titleId,...r,ref:t})},"DialogTitle")),eV=l.forwardRef(eC(function(e,t){let{__scopeDialog:n,...r}=e,o=eO("DialogDescription",n),{setDescriptionCount:i}=o;return(0,I.f)(()=>(i(e=>e+1),()=>i(e=>e-1)),[i]),(0,u.jsx)(b.V.p,{id:o.descriptionId,...r,ref:t})},"DialogDescription"));function eK(...e){let t=new Set;for(let n of e)if("string"==typeof n)for(let e of String(n).trim().split(/\s+/))e&&t.add(e);return t.size>0?Array.from(t).join(" "):void 0}function ez(e){return e?"open":"closed"}eC(eK,"concatAriaDescribedby"),eC(ez,"getState"),e.s(["Content",0,eF,"Description",0,eV,"Overlay",0,e_,"Portal",0,eD,"Root",0,eN,"Title",0,eB],26999);var eG=e.i(26999);e.s(["f",0,eG],20298);var eG=eG,eH=eG;e.s(["f",0,eH],99467);var eH=eG,eX=eG;e.s(["f",0,eX],63836);var eX=eG,eq=eG;e.s(["f",0,eq],38924);var eq=eG,eY=eG;e.s(["f",0,eY],77470);var eY=eG,eZ=eG,eQ=e.i(96590);let eJ="fixed inset-0 z-40 bg-black/45 fade-in";function e0({open:e,onOpenChange:t,title:n,description:r,children:o,isWide:i=!1}){return(0,u.jsx)(eG.Root,{open:e,onOpenChange:t,children:(0,u.jsxs)(eH.Portal,{children:[(0,u.jsx)(eX.Overlay,{className:eJ}),(0,u.jsxs)(eq.Content,{...r?{}:{"aria-describedby":void 0},className:`fade-in fixed top-1/2 left-1/2 z-50 max-h-[88dvh] -translate-x-1/2 -translate-y-1/2 overflow-y-auto rounded-xl
            border bg-raised p-5 shadow-large ${i?"w-[min(92vw,40rem)]":"w-[min(92vw,28rem)]"}`,children:[(0,u.jsx)(eY.Title,{className:"text-base font-semibold",children:n}),r&&(0,u.jsx)(eZ.Description,{className:"mt-1.5 text-sm text-muted",children:r}),o]})]})})}e.s(["k",0,function({confirm:e,busy:t=!1,problem:n,onConfirm:r,...o}){return(0,u.jsxs)(e0,{...o,children:[n,(0,u.jsxs)("div",{className:"mt-5 flex justify-end gap-2",children:[(0,u.jsx)(eQ.K,{onClick:()=>o.onOpenChange(!1),children:"Cancel"}),(0,u.jsx)(eQ.K,{kind:"danger",busy:t,onClick:r,children:e})]})]})},"N",0,e0,"S",0,function({open:e,onOpenChange:t,title:n,children:r}){return(0,u.jsx)(eG.Root,{open:e,onOpenChange:t,children:(0,u.jsxs)(eH.Portal,{children:[(0,u.jsx)(eX.Overlay,{className:eJ}),(0,u.jsxs)(eq.Content,{"aria-describedby":void 0,className:"fade-in fixed inset-y-0 left-0 z-50 flex w-[min(82vw,18rem)] flex-col overflow-y-auto border-r bg-surface shadow-large",children:[(0,u.jsx)(eY.Title,{className:"sr-only",children:n}),r]})]})})}],16726)}]);
