self.postMessage({ lash: 'ready', protocol: 0, lock: null });
