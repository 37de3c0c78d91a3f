// Runs in the page: the libraries at the end of a socket, told what to do by
// the test and telling it what comes. See sockjs-tab.js, its other half.

(() => {
  const query = (token) => (token === undefined ? '' : `?srect=${encodeURIComponent(token)}`);

  const doors = {
    native: (url, token, protocols) => new WebSocket(`${url.replace(/^http/, 'ws')}/client${query(token)}`, protocols),
    raw: (url, token) => new WebSocket(`${url.replace(/^http/, 'ws')}/socketServer/websocket${query(token)}`),
    sockjs: (url, token, transport) => new SockJS(`${url}/socketServer${query(token)}`, null, { transports: [transport], timeout: 20_000 }),
  };

  const libraries = {
    stompjs2(open, onConnected, onError) {
      const client = Stomp.over(open());
      client.debug = null;
      client.connect({}, onConnected, onError);
      return {
        subscribe: (destination, fn) => client.subscribe(destination, fn),
        send: (destination, body) => client.send(destination, {}, body),
        leave: () => client.disconnect(),
      };
    },
    stompjs7(open, onConnect, onStompError) {
      const client = new StompJs.Client({ webSocketFactory: open, reconnectDelay: 0, onConnect, onStompError });
      client.activate();
      return {
        subscribe: (destination, fn) => client.subscribe(destination, fn),
        send: (destination, body) => client.publish({ destination, body: body ?? undefined }),
        leave: () => client.deactivate(),
      };
    },
  };

  // What the test is to know goes out in order, and together while it is busy.
  let news = [];
  async function tell(...item) {
    news.push(item);
    if (news.length > 1) return;
    while (news.length) {
      const some = news;
      news = [null]; // the first to be here next time does not begin a loop of its own
      await reportNews(some.filter(Boolean));
      news.shift();
    }
  }

  const links = new Map();
  const over = new Set();
  const commands = {
    connect(link, library, door, ...where) {
      let error = '';
      const open = () => {
        const socket = doors[door](...where);
        socket.addEventListener('open', () => tell('opened', link, socket.transport));
        socket.addEventListener('close', ({ code }) => {
          over.add(link);
          tell('ended', link, { code, error });
        });
        return socket;
      };
      links.set(link, libraries[library](open, () => tell('connected', link), (frame) => { error ||= frame?.headers?.message ?? ''; }));
    },
    subscribe: (link, subscription, destination) => {
      links.get(link).subscribe(destination, (frame) => tell('message', link, subscription, frame.body));
    },
    send: (link, destination, body) => links.get(link).send(destination, body),
    leave(link) {
      over.add(link);
      links.get(link).leave();
    },
  };

  // What was ordered before the test knew of the end comes too late.
  globalThis.obey = (orders) => { for (const [name, link, ...rest] of orders) if (!over.has(link)) commands[name](link, ...rest); };
})();
