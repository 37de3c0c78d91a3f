// The card on an empty seat: sign up or sign in.

import { h } from './dom.js';
import { t } from './i18n.js';

// Which field an error is about; else the user name.
const FIELD = { PasswordMismatch: 'rpasswd', BadPassword: 'passwd', Unauthorized: 'passwd' };

export function signInCard(person) {
  const error = h('p', { class: 'form-error', role: 'alert', id: `${person.seat}-error` });
  const id = (name) => `${person.seat}-${name}`;
  const inputs = {};
  const field = (name, props) => {
    inputs[name] = h('input', { id: id(name), name, maxlength: 64, 'aria-describedby': error.id, ...props });
    return h('label', { class: 'field', for: id(name) }, h('span', { t: name }), inputs[name]);
  };
  const uname = field('uname', { required: true, autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false' });
  const nname = field('nname', { autocomplete: 'nickname' });
  const passwd = field('passwd', { type: 'password', required: true });
  const rpasswd = field('rpasswd', { type: 'password', required: true, autocomplete: 'new-password' });
  const submit = h('button', { class: 'primary', type: 'submit', t: 'signIn' });

  const tabs = ['signIn', 'signUp'].map((mode) =>
    h('button', { type: 'button', class: 'tab', t: mode, 'aria-pressed': String(mode === 'signIn'), onclick: () => setMode(mode) }));

  const form = h('form', { class: 'sign-in', tLabel: person.seat === 'a' ? 'seatA' : 'seatB', onsubmit },
    h('h2', { t: 'welcome' }),
    h('div', { class: 'tabs' }, ...tabs),
    uname, nname, passwd, rpasswd, error, submit);

  let mode;
  function setMode(next) {
    mode = form.dataset.mode = next;
    nname.hidden = rpasswd.hidden = mode === 'signIn';
    inputs.rpasswd.disabled = mode === 'signIn';
    inputs.passwd.autocomplete = mode === 'signIn' ? 'current-password' : 'new-password';
    tabs.forEach((tab) => tab.setAttribute('aria-pressed', String(tab.dataset.t === mode)));
    submit.dataset.t = mode;
    submit.textContent = t(mode);
    say('');
  }
  setMode('signIn');

  /** Shows an error under its name, so that the language switch finds it. */
  function say(name) {
    error.dataset.t = name && `error.${name}`;
    error.textContent = name && t(error.dataset.t);
    if (name) inputs[FIELD[name] ?? 'uname'].focus();
  }

  let busy = false;
  async function onsubmit(event) {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    if (!values.nname) values.nname = values.uname;
    if (mode === 'signUp' && values.passwd !== values.rpasswd) return say('PasswordMismatch');
    if (busy) return; // the button stays enabled: a disabled one loses the focus
    busy = true;
    form.setAttribute('aria-busy', 'true');
    say('');
    try {
      await (mode === 'signUp' ? person.signUp(values) : person.signIn(values));
    } catch (failure) {
      say(nameOf(failure));
    } finally {
      busy = false;
      form.removeAttribute('aria-busy');
    }
  }
  return form;
}

function nameOf({ error, message }) {
  const name = error === 'BadField' ? (/password/.test(message) ? 'BadPassword' : 'BadName') : error;
  return t(`error.${name}`) === `error.${name}` ? 'unknown' : name;
}
