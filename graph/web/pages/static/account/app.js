(()=>{var f="agent-studio:token",y=new Set,x={token:sessionStorage.getItem(f)??"",standing:"UNPROVEN"};function E(e){x=e,y.forEach(n=>n())}function c(e){sessionStorage.setItem(f,e),E({token:e,standing:"UNPROVEN"})}var m=`mutation AcceptInvitation($input: AcceptInvitationInput!) {
  result: acceptInvitation(input: $input) {
    ... on LoginSuccess {
      accessToken
    }
    ... on Error {
      message
    }
  }
}
`;var p=`mutation Login($input: LoginInput!) {
  result: login(input: $input) {
    ... on LoginSuccess {
      accessToken
    }
    ... on Error {
      message
    }
  }
}
`;var h=`query ReceivedInvitation($token: String!) {
  receivedInvitation(token: $token) {
    email
    role
    hasAccount
    tenant {
      name
    }
  }
}
`;var g=`mutation ResetPassword($input: ResetPasswordInput!) {
  result: resetPassword(input: $input) {
    ... on ResetPasswordSuccess {
      done
    }
    ... on Error {
      message
    }
  }
}
`;var t=e=>document.getElementById(e),s=new URLSearchParams(location.hash.slice(1));history.replaceState(null,"",location.pathname);async function d(e,n){let o=await fetch("/graphql",{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify({query:e,variables:n})}),{data:i,errors:r}=await o.json();if(r)throw new Error(r[0].message);if(i.result?.message)throw new Error(i.result.message);return i}function a(e,n){t("title").textContent=e,t("lead").textContent=n,document.title=`${e} \xB7 Agent Studio`}function w(e){t("problem").textContent=e.message,t("problem").hidden=!1}function l({isNew:e,email:n},o){t("email").value=n??"",t("email").readOnly=n!==void 0,t("email-field").hidden=n==="",t("password").autocomplete=e?"new-password":"current-password",t("password-label").textContent=e?"New password":"Your password",t("hint").hidden=!e,t("form").hidden=!1,t("form").addEventListener("submit",async i=>{i.preventDefault(),t("submit").disabled=!0,t("problem").hidden=!0;try{await o(t("password").value),t("form").hidden=!0,t("title").focus()}catch(r){w(r)}finally{t("submit").disabled=!1}})}async function P(e){let n=(await d(h,{token:e})).receivedInvitation;if(!n){a("This invitation is not valid","It was used or withdrawn, or it has expired. Ask for another one.");return}let{tenant:o,role:i,email:r,hasAccount:u}=n;a(`Join ${o.name}`,`You are invited as ${r}, with the role ${i}.`),t("name-field").hidden=u,l({isNew:!u,email:r},async b=>{let k=t("name").value||null,{result:v}=await d(m,{input:{token:e,password:b,name:k}});c(v.accessToken),a(`Welcome to ${o.name}`,"You are signed in, in this tab of the browser."),t("next").hidden=!1})}function N(e){a("Set a new password","All your sessions end when it is set."),l({isNew:!0,email:""},async n=>{await d(g,{input:{token:e,newPassword:n}}),a("The new password is set","Sign in with it.")})}function R(){a("Sign in","Your session is stored in this tab only."),l({isNew:!1},async e=>{let n=t("email").value,{result:o}=await d(p,{input:{email:n,password:e}});c(o.accessToken),a("You are signed in","This holds for this tab of the browser, for some minutes."),t("next").hidden=!1})}s.has("invitation")?P(s.get("invitation")).catch(w):s.has("reset")?N(s.get("reset")):R();})();
