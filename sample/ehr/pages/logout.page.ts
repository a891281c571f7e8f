import { page } from './layout.js';

/** `form` is the provider's own form, with the id `op.logoutForm`. */
export function logoutPage(form: string): string {
  return page(
    { title: 'Sign out' },
    `<div class="card text"><h1>Sign out of the EHR?</h1><p></p>${form}
<button type="submit" form="op.logoutForm" value="yes" name="logout">Sign out</button>
<button class="quiet" type="submit" form="op.logoutForm">Stay signed in</button></div>`,
  );
}

export function loggedOutPage(): string {
  return page({ title: 'Signed out' }, '<div class="card text"><h1>You are signed out.</h1></div>');
}
