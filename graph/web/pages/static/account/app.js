(()=>{var g="agent-studio:token",_=new Set,L={token:sessionStorage.getItem(g)??"",standing:"UNPROVEN"};function C(e){L=e,_.forEach(n=>n())}function f(e){sessionStorage.setItem(g,e),C({token:e,standing:"UNPROVEN"})}var w=`mutation AcceptInvitation($input: AcceptInvitationInput!) {
  result: acceptInvitation(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
    }
    ... on Error {
      message
    }
  }
}
`;var I=`mutation FinishSignIn($input: FinishSignInInput!) {
  result: finishSignIn(input: $input) {
    ... on FinishSignInSuccess {
      session {
        accessToken
      }
    }
    ... on Error {
      message
    }
  }
}
`;var h="agent-studio:verifier",m="agent-studio:invitation",b={DENIED_BY_PROVIDER:"The identity provider did not sign you in.",NO_ROLE:"None of your groups has a role here. Ask an administrator for access.",TOO_MANY_GROUPS:"You are in more groups than the identity provider lists. Ask an administrator.",CLAIM_MISMATCH:"This account is not admitted here. Sign in with another one.",PROVIDER_DISABLED:"Signing in with this identity provider is switched off.",PROVIDER_UNAVAILABLE:"The identity provider is not available. Try again later.",RATE_LIMITED:"Too many attempts to sign in. Try again in a minute."},v=e=>btoa(String.fromCharCode(...e)).replaceAll("+","-").replaceAll("/","_").replaceAll("=","");async function y(e,n){let o=v(crypto.getRandomValues(new Uint8Array(32)));sessionStorage.setItem(h,o),n?sessionStorage.setItem(m,n):sessionStorage.removeItem(m);let i=await crypto.subtle.digest("SHA-256",new TextEncoder().encode(o)),s=new URLSearchParams({challenge:v(new Uint8Array(i)),return_to:location.origin+location.pathname+location.search});location.assign(`${e}?${s}`)}function S(e){let n=sessionStorage.getItem(h)??"",o=sessionStorage.getItem(m);return sessionStorage.removeItem(h),sessionStorage.removeItem(m),{handoff:e,verifier:n,invitation:o}}var k=`mutation Login($input: LoginInput!) {
  result: login(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
    }
    ... on Error {
      message
    }
  }
}
`;var E=`query SignInOptions($tenant: String!) {
  signInOptions(tenant: $tenant) {
    label
    startUrl
  }
}
`;var T=`query ReceivedInvitation($token: String!) {
  receivedInvitation(token: $token) {
    email
    role
    hasAccount
    tenant {
      slug
      name
    }
  }
}
`;var R=`mutation ResetPassword($input: ResetPasswordInput!) {
  result: resetPassword(input: $input) {
    ... on ResetPasswordSuccess {
      done
    }
    ... on Error {
      message
    }
  }
}
`;var t=e=>document.getElementById(e),a=new URLSearchParams(location.hash.slice(1));history.replaceState(null,"",location.pathname+location.search);async function l(e,n){let o=await fetch("/graphql",{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify({query:e,variables:n})}),{data:i,errors:s}=await o.json();if(s)throw new Error(s[0].message);if(i.result?.__typename==="SecondFactorRequired"&&j(),i.result?.message)throw new Error(i.result.message);return i}function r(e,n){t("title").textContent=e,t("lead").textContent=n,document.title=`${e} \xB7 Agent Studio`}function d(e){t("problem").textContent=e.message,t("problem").hidden=!1}function j(){t("code-field").hidden=!1,t("code").value="",t("code").focus()}var O=()=>t("code").value||null;async function $(e,n){let{signInOptions:o}=await l(E,{tenant:e}),i=o.map(({label:s,startUrl:u})=>{let c=document.createElement("button");return c.type="button",c.textContent=s,c.addEventListener("click",()=>y(u,n).catch(d)),c});t("providers").replaceChildren(...i),t("providers").hidden=i.length===0}function p({isNew:e,email:n},o){t("email").value=n??"",t("email").readOnly=n!==void 0,t("email-field").hidden=n==="",t("password").autocomplete=e?"new-password":"current-password",t("password-label").textContent=e?"New password":"Your password",t("hint").hidden=!e,t("form").hidden=!1,t("form").addEventListener("submit",async i=>{i.preventDefault(),t("submit").disabled=!0,t("problem").hidden=!0;try{await o(t("password").value),t("form").hidden=!0,t("providers").hidden=!0,t("title").focus()}catch(s){d(s)}finally{t("submit").disabled=!1}})}async function q(e){let n=(await l(T,{token:e})).receivedInvitation;if(!n){r("This invitation is not valid","It was used or withdrawn, or it has expired. Ask for another one.");return}let{tenant:o,role:i,email:s,hasAccount:u}=n;r(`Join ${o.name}`,`You are invited as ${s}, with the role ${i}.`),t("name-field").hidden=u,p({isNew:!u,email:s},async c=>{let P=t("name").value||null,{result:N}=await l(w,{input:{token:e,password:c,name:P,code:O()}});f(N.accessToken),r(`Welcome to ${o.name}`,"You are signed in, in this tab of the browser."),t("next").hidden=!1}),await $(o.slug,e)}function M(e){r("Set a new password","All your sessions end when it is set."),p({isNew:!0,email:""},async n=>{await l(R,{input:{token:e,newPassword:n}}),r("The new password is set","Sign in with it.")})}async function H(e){let{result:n}=await l(I,{input:S(e)});f(n.session.accessToken),r("You are signed in","This holds for this tab of the browser, for some minutes."),t("next").hidden=!1}async function x(){r("Sign in","Your session is stored in this tab only."),p({isNew:!1},async n=>{let o=t("email").value,{result:i}=await l(k,{input:{email:o,password:n,code:O()}});f(i.accessToken),r("You are signed in","This holds for this tab of the browser, for some minutes."),t("next").hidden=!1});let e=new URLSearchParams(location.search).get("tenant");e&&await $(e)}var A=a.get("sign_in_error");A&&d(new Error(b[A]??"Signing in failed. Try again."));a.has("handoff")?H(a.get("handoff")).catch(e=>x().then(()=>d(e))):a.has("invitation")?q(a.get("invitation")).catch(d):a.has("reset")?M(a.get("reset")):x().catch(d);})();
