// The card on an empty seat: sign up, sign in, or just see it work.

import { h } from './dom.js';
import { t } from './i18n.js';

export function signInCard(person, tryIt) {
  const error = h('p', { class: 'form-error', role: 'alert' });
  const id = (name) => `${person.seat}-${name}`;
  const field = (name, props) => h('label', { class: `field field-${name}`, for: id(name) },
    h('span', { t: name }),
    h('input', { id: id(name), name, maxlength: 64, autocomplete: 'off', ...props }));
  const nname = field('nname', {});
  const rpasswd = field('rpasswd', { type: 'password', required: true, autocomplete: 'new-password' });
  const submit = h('button', { class: 'primary', type: 'submit', t: 'signIn' });

  const tabs = ['signIn', 'signUp'].map((mode) =>
    h('button', { type: 'button', class: 'tab', t: mode, 'aria-pressed': String(mode === 'signIn'), onclick: () => setMode(mode) }));

  const form = h('form', { class: 'sign-in', 'aria-labelledby': id('welcome'), onsubmit },
    h('h2', { id: id('welcome'), t: 'welcome' }),
    h('div', { class: 'tabs' }, ...tabs),
    field('uname', { required: true, autocapitalize: 'none', spellcheck: 'false' }),
    nname,
    field('passwd', { type: 'password', required: true, autocomplete: 'current-password' }),
    rpasswd,
    error,
    submit,
    h('div', { class: 'or' },
      h('button', { type: 'button', class: 'quiet', t: 'tryIt', onclick: () => attempt(tryIt) }),
      h('span', { t: 'tryItHint' })));

  let mode;
  function setMode(next) {
    mode = next;
    nname.hidden = rpasswd.hidden = mode === 'signIn';
    rpasswd.querySelector('input').disabled = mode === 'signIn';
    tabs.forEach((tab) => tab.setAttribute('aria-pressed', String(tab.dataset.t === mode)));
    submit.dataset.t = mode;
    submit.textContent = t(mode);
    error.textContent = '';
  }
  setMode('signIn');

  function onsubmit(event) {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    if (!values.nname) values.nname = values.uname;
    if (mode === 'signUp' && values.passwd !== values.rpasswd) error.textContent = t('error.PasswordMismatch');
    else attempt(() => (mode === 'signUp' ? person.signUp(values) : person.signIn(values)));
  }

  async function attempt(action) {
    error.textContent = '';
    form.setAttribute('aria-busy', 'true');
    const buttons = form.querySelectorAll('button');
    buttons.forEach((button) => { button.disabled = true; });
    try {
      await action();
    } catch (failure) {
      const known = t(`error.${failure.error}`);
      error.textContent = known.startsWith('error.') ? failure.message : known;
    } finally {
      form.removeAttribute('aria-busy');
      buttons.forEach((button) => { button.disabled = false; });
    }
  }
  return form;
}
