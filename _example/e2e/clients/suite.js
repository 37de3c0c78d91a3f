// What every client library must be able to do at every door.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sitDown } from './chatter.js';
import { Ended, Late, signUp, startProxy, startServer, within } from './harness.js';

const success = (msgID) => ({ msgID, code: 200, status: '成功', content: '(=ↀωↀ=)' });
const tricky = '起来聊天 😀𝒳👩‍👩‍👧 \u200c\u2028\u2029\ufeff\ufff0\ufffd\ufffe\uffff %25 </script> "\\ \n';
const chinese = '起来聊天，吃饭了吗？😀'.repeat(1324); // 34 octets each: 45,016

/** A message or status is missing before the one that came. */
class Gap extends Error {}

/**
 * flags are for the server. repeats is for where HTTP requests whose
 * connection broke are repeated below the library: an answer can get lost then,
 * or a confirmation be carried out twice, and nobody notices. What an answer
 * had in it comes after the next init only.
 * brief leaves out what does not depend on the way in.
 */
export function suite(name, connect, door, { messages = 300, flags = [], repeats = false, brief = false } = {}) {
  describe(name, { timeout: 180_000 }, () => {
    let server;
    before(async () => { server = await startServer('-rate', '0', ...flags); });
    after(() => server?.stop());

    const via = (url = server.url) => ({ connect, door, url });
    const pair = () => Promise.all([signUp(server, 'wususu'), signUp(server, 'liaojiekx')]);
    const chatters = async () => {
      const [a, b] = await pair();
      return Promise.all([sitDown(a, via()), sitDown(b, via())]);
    };

    test('the five steps, and delivered', async () => {
      const [a, b] = await chatters();
      const begun = Date.now();
      a.send('34330e6e473c583354421ef814bcea13022d8a06', b, tricky);
      assert.deepEqual(await a.sent.next(), success('34330e6e473c583354421ef814bcea13022d8a06'));
      const { id, time, ...message } = await b.received.next();
      assert.deepEqual(message, {
        chatID: '34330e6e473c583354421ef814bcea13022d8a06',
        sender: a.uname,
        reciver: b.uname,
        content: tricky,
        senderId: a.uid,
        reciverId: b.uid,
      });
      assert.ok(Number.isSafeInteger(id) && id > 0, `id ${id}`);
      assert.ok(time >= begun && time <= Date.now(), `time ${time}`);
      // As old clients do it: by chatID alone.
      b.link.send('/socket/chat/recive', JSON.stringify({ msgID: message.chatID }));
      assert.deepEqual(await b.confirmed.next(), success(message.chatID));
      const { content: { time: confirmedAt, ...content }, ...notice } = await a.delivered.next();
      assert.deepEqual({ ...notice, content }, { msgID: message.chatID, code: 200, status: '已送达', content: { id, reciverId: b.uid } });
      assert.ok(confirmedAt >= time, `confirmed at ${confirmedAt}`);

      // The other way, with the id as a string and "message" for content.
      b.link.send('/socket/chat/send', JSON.stringify({ msgID: 'back', reciverId: String(a.uid), message: '好' }));
      assert.deepEqual(await b.sent.next(), success('back'));
      assert.equal((await a.received.next()).content, '好');
      await a.leave();
      await b.leave();
    });

    test('offline, then init', async () => {
      const [ada, bob] = await pair();
      const a = await sitDown(ada, via());
      const ids = Array.from({ length: 25 }, (_, i) => `m${i}`);
      for (const id of ids) a.send(id, bob, `while you were out ${id}`);
      assert.deepEqual(await a.sent.take(25), ids.map(success));

      let b = await sitDown(bob, via(), { receiveOn: bob.uname });
      assert.deepEqual(b.received.rest, [], 'came before init');
      b.init();
      const got = await b.received.take(25);
      assert.deepEqual(got.map((m) => m.chatID), ids);
      for (const m of got.slice(0, 20)) b.confirm(m);
      await b.confirmed.take(20);
      await b.leave();

      // What was not confirmed comes again, and nothing else does.
      b = await sitDown(bob, via(), { init: true });
      a.send('last', bob, 'are you there?');
      assert.deepEqual((await b.received.take(6)).map((m) => m.chatID), [...ids.slice(20), 'last']);
      await a.leave();
      await b.leave();
    });

    test('45 KB of Chinese with emoji, and of what JSON must escape', async () => {
      const [a, b] = await chatters();
      const escaped = '"\\\n\t</script>\u2028'.repeat(2815);
      for (const [msgID, content] of [['zh', chinese], ['esc', escaped], ['ascii', 'x'.repeat(45_000)]]) {
        assert.ok(Buffer.byteLength(content) > 44_000 && Buffer.byteLength(content) <= 48 * 1024);
        a.send(msgID, b, content);
        assert.deepEqual(await a.sent.next(), success(msgID));
        const got = await b.received.next();
        assert.ok(got.content === content, `${msgID}: got ${got.content.length} units that differ`);
        b.confirm(got);
        await b.confirmed.next();
      }
      await a.leave();
      await b.leave();
    });

    test('every character', async () => {
      const [a, b] = await chatters();
      const characters = [0x1f600, 0x1d4b3, 0x20000, 0xe0041, 0xfffff, 0x10ffff];
      for (let c = 1; c <= 0xffff; c++) if (c < 0xd800 || c > 0xdfff) characters.push(c);
      for (let at = 0; at < characters.length; at += 13_000) {
        const content = characters.slice(at, at + 13_000).map((c) => String.fromCodePoint(c)).join('');
        a.send(`from-${at}`, b, content);
        const got = await b.received.next();
        assert.ok(got.content === content, `from ${at}: ${[...got.content].findIndex((c, i) => c.codePointAt(0) !== characters[at + i])} differs`);
        assert.deepEqual(await a.sent.next(), success(`from-${at}`));
      }
      await a.leave();
      await b.leave();
    });

    // What no transport has a part in.
    const once = brief ? () => {} : test;
    once('the same msgID again is not a second message', async () => {
      const [a, b] = await chatters();
      a.send('once', b, 'hello');
      assert.deepEqual(await a.sent.next(), success('once'));
      const first = await b.received.next();
      a.send('once', b, 'hello');
      assert.deepEqual(await a.sent.next(), success('once'));
      a.send('once', b, 'something else');
      const refused = await a.failed.next();
      assert.deepEqual([refused.msgID, refused.code, refused.content.error], ['once', -401, 'MsgIDReused']);
      a.send('next', b, 'hello');
      const second = await b.received.next();
      assert.equal(second.chatID, 'next');
      assert.ok(second.id > first.id);
      await a.leave();
      await b.leave();
    });

    once('failures are told, and the connection stays', async () => {
      const [a, b] = await chatters();
      const send = '/socket/chat/send';
      const receive = '/socket/chat/recive';
      a.send('theirs', b, 'for your eyes only');
      await a.sent.next();
      for (const [destination, body, msgID, code, error] of [
        [send, '{"msgID":', null, -401, 'BadJSON'],
        [send, '[]', null, -401, 'BadJSON'],
        [send, { msgID: 'f1', content: 'x' }, 'f1', -401, 'MissingField'],
        [send, { msgID: 'f2', reciverId: b.uid }, 'f2', -401, 'MissingField'],
        [send, { reciverId: b.uid, content: 'x' }, null, -401, 'MissingField'],
        [send, { msgID: 'with space', reciverId: b.uid, content: 'x' }, null, -401, 'BadField'],
        [send, { msgID: 'f3', reciverId: b.uid, content: '' }, 'f3', -401, 'BadField'],
        [send, { msgID: 'f4', reciverId: 'bob', content: 'x' }, 'f4', -401, 'BadField'],
        [send, { msgID: 'f5', reciverId: b.uid, content: 'a\u0000b' }, 'f5', -401, 'BadField'],
        [send, { msgID: 'f6', reciverId: 999_999_999, content: 'x' }, 'f6', -404, 'ReceiverNotFound'],
        [send, { msgID: 'f7', reciverId: a.uid, content: 'x' }, 'f7', -400, 'ToSelf'],
        [send, { msgID: 'f8', reciverId: b.uid, content: 'x'.repeat(48 * 1024 + 1) }, 'f8', -400, 'TooLarge'],
        [receive, { msgID: 'never-sent' }, 'never-sent', -404, 'MessageNotFound'],
        [receive, { msgID: 'theirs' }, 'theirs', -404, 'MessageNotFound'],
        ['/socket/ntc/rcv', { msgID: 'f9' }, null, -401, 'MissingField'],
        ['/socket/ntc/rcv', { ntcType: 'Cmmnt', id: '419' }, '419', -404, 'NoticeNotFound'],
      ]) {
        a.link.send(destination, typeof body === 'string' ? body : JSON.stringify(body));
        const notice = await a.failed.next();
        assert.deepEqual([notice.msgID, notice.code, notice.status, notice.content.error], [msgID, code, '失败', error], JSON.stringify(body).slice(0, 100));
        assert.equal(typeof notice.content.message, 'string');
      }
      a.send('still-here', b, 'x');
      assert.deepEqual(await a.sent.next(), success('still-here'));
      await a.leave();
      await b.leave();
    });

    test('a wrong token is refused', async () => {
      const [ada] = await pair();
      for (const secret of [undefined, 'wrong', `${ada.secret}x`]) {
        await assert.rejects(() => connect(() => door(server.url, secret)), /before CONNECTED/, `token ${secret}`);
      }
    });

    test('eavesdropping and forging end the connection', async () => {
      const [ada, bob] = await pair();
      const b = await sitDown(bob, via());
      for (const attempt of [
        (link) => link.subscribe(`/user/${bob.uid}/recive`, () => assert.fail('overheard')),
        (link) => link.subscribe(`/user/${bob.uname}/recive`, () => assert.fail('overheard')),
        (link) => link.subscribe('/user/*/recive', () => assert.fail('overheard')),
        (link) => link.send(`/user/${bob.uid}/recive`, JSON.stringify({ id: 1, chatID: 'forged', content: 'x' })),
        (link) => link.send('/user/queue/send/status', JSON.stringify(success('forged'))),
      ]) {
        const a = await sitDown(ada, via());
        attempt(a.link);
        const { code, error } = await within(a.link.ended, 'the server to close');
        assert.deepEqual([code, error], [1008, 'not-allowed']);
      }
      const a = await sitDown(ada, via());
      a.send('honest', bob, 'x');
      assert.equal((await b.received.next()).chatID, 'honest', 'something forged arrived');
      await a.leave();
      await b.leave();
    });

    test(`${messages} messages each way, in order`, async () => {
      const [a, b] = await chatters();
      const ids = Array.from({ length: messages }, (_, i) => `m${i}`);
      await Promise.all([[a, b], [b, a]].map(async ([from, to]) => {
        for (const id of ids) from.send(id, to, `number ${id}`);
        assert.deepEqual((await from.sent.take(messages)).map((s) => s.msgID), ids);
        const got = await to.received.take(messages);
        assert.deepEqual(got.map((m) => m.chatID), ids);
        assert.ok(got.every((m, i) => i === 0 || m.id > got[i - 1].id), 'ids do not ascend');
        for (const m of got) to.confirm(m);
        assert.deepEqual((await to.confirmed.take(messages)).map((s) => s.msgID), ids);
      }));
      await a.leave();
      await b.leave();
    });

    test(`${messages} messages each way over connections that are cut`, async (t) => {
      const proxy = await startProxy(server);
      t.after(() => proxy.close());
      const people = await pair();
      const ids = Array.from({ length: messages }, (_, i) => `m${i}`);
      // Between two frames, inside of one, and so that the server has written what never arrives.
      const kinds = [() => proxy.cut(), () => proxy.cutInside(0.5), () => proxy.cutInside(0)];
      let cuts = 0;
      let arrived = 0;
      let gaps = 0;
      let failed = false;

      // Each side does what a good client does: connect, init, confirm what
      // comes, send what has no status; and all of it again when the
      // connection has ended. That it ended the client must be told.
      const life = async (person, peer) => {
        let stored = 0; // so many of ids have a status
        let confirmed = 0; // so many of the peer's have one
        const got = [];
        const session = async () => {
          const me = await sitDown(person, via(proxy.url), { init: true });
          const [settled, known] = [confirmed, got.length];
          for (const m of got.slice(settled)) me.confirm(m);

          const sending = async () => {
            for (let next = stored; stored < messages;) {
              for (; next < Math.min(messages, stored + 40); next++) me.send(ids[next], peer, `number ${next}`);
              const status = await me.sent.next();
              if (status.msgID !== ids[stored]) throw new Gap(`${status.msgID} stored after ${stored}`);
              assert.deepEqual(status, success(ids[stored++]));
            }
          };
          const receiving = async () => {
            for (let last = -1; got.length < messages;) {
              const m = await me.received.next();
              const at = Number(m.chatID.slice(1));
              assert.ok(at > last, `m${at} came after m${last} between two inits`);
              assert.ok(at >= settled, `m${at} came again, although confirmed`);
              if (at > got.length) throw new Gap(`m${at} came after ${got.length}`);
              if (at < got.length) assert.deepEqual(m, got[at], 'the same message, but not the same');
              else got.push(m);
              last = at;
              me.confirm(m);
              if (cuts < kinds.length && ++arrived > (messages / 3) * (cuts + 1)) kinds[cuts++]();
            }
          };
          const confirming = async () => {
            // Known ones are confirmed at the start, and again if init brought them.
            const due = new Set(ids.slice(settled));
            while (due.size) {
              const { msgID } = await me.confirmed.next();
              const at = Number(msgID.slice(1));
              if (at > confirmed) throw new Gap(`${msgID} confirmed after ${confirmed}`);
              if (at < confirmed) assert.ok(at < known || repeats, `${msgID} was confirmed twice`);
              else confirmed++;
              due.delete(msgID);
            }
          };
          try {
            await Promise.all([sending(), receiving(), confirming()]);
          } catch (error) {
            if (!(error instanceof Ended)) await me.leave();
            throw error;
          }
          await me.leave();
        };
        while (!failed && (stored < messages || confirmed < messages)) {
          try {
            await session();
          } catch (error) {
            if (repeats && (error instanceof Gap || error instanceof Late) && gaps < 2 * cuts) gaps++;
            else if (!(error instanceof Ended)) {
              failed = true; // the other side need not go on
              throw error;
            }
          }
        }
        return got;
      };
      for (const got of await Promise.all([life(...people), life(people[1], people[0])])) {
        assert.deepEqual(got.map((m) => m.chatID), ids);
        assert.ok(got.every((m, i) => i === 0 || m.id > got[i - 1].id), 'ids do not ascend');
      }
      assert.equal(cuts, kinds.length);
      // Everything is confirmed: init has nothing left.
      const [a, b] = await Promise.all(people.map((person) => sitDown(person, via(), { init: true })));
      for (const [from, to] of [[a, b], [b, a]]) {
        from.send('after-all', to, 'x');
        assert.equal((await to.received.next()).chatID, 'after-all');
      }
      await a.leave();
      await b.leave();
    });
  });
}
