// Runs once in every new interpreter, before any script. Takes nothing, returns what the host needs of JavaScript.
// Everything it relies on later is captured here or frozen below, so no script can change it.
(() => {
    const { ownKeys, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, defineProperty } = Reflect;
    const { freeze } = Object;

    // Ways to leave something behind that freezing does not close.
    for (const key of ["prepareStackTrace", "stackTraceLimit", "captureStackTrace"]) deleteProperty(Error, key);
    for (const key of ["queueMicrotask", "gc", "navigator"]) deleteProperty(globalThis, key);

    const silent = () => {};
    globalThis.logger = { trace: silent, debug: silent, info: silent, warn: silent, error: silent };
    globalThis.console = { log: silent, ...globalThis.logger };

    // A frozen prototype would also forbid `error.name = "Mine"` on objects that inherit from it. As accessors, its
    // properties stay as they are and an assignment makes an own property, as it does without freezing.
    const keepOverridable = (prototype) => {
        for (const key of ownKeys(prototype)) {
            const { value, writable, configurable, enumerable } = getOwnPropertyDescriptor(prototype, key);
            if (!writable || !configurable) continue;
            defineProperty(prototype, key, {
                get: () => value,
                set(own) {
                    if (this === prototype) throw new TypeError("the language's own objects are read-only");
                    defineProperty(this, key, { value: own, writable: true, configurable: true, enumerable: true });
                },
                configurable: false,
                enumerable,
            });
        }
    };
    for (const key of ownKeys(globalThis)) {
        const type = globalThis[key];
        const inherited = type === Object || type === Function || type === Error || type?.prototype instanceof Error;
        if (inherited) keepOverridable(type.prototype);
    }

    const frozen = new Set([globalThis]);
    const freezeAll = (thing) => {
        if (thing === null || (typeof thing !== "object" && typeof thing !== "function") || frozen.has(thing)) return;
        frozen.add(thing);
        freeze(thing);
        freezeAll(getPrototypeOf(thing));
        for (const key of ownKeys(thing)) {
            const { value, get, set } = getOwnPropertyDescriptor(thing, key);
            freezeAll(value);
            freezeAll(get);
            freezeAll(set);
        }
    };
    for (const key of ownKeys(globalThis)) {
        const property = getOwnPropertyDescriptor(globalThis, key);
        freezeAll(property.value);
        freezeAll(property.get);
        freezeAll(property.set);
        if (property.configurable) {
            const fixed = "value" in property ? { writable: false, configurable: false } : { configurable: false };
            // Not enumerable, as the language's own are: `for (k in this)` shows a script nothing of this.
            defineProperty(globalThis, key, { ...fixed, enumerable: false });
        }
    }
    // Objects of the language that no property of the global object leads to.
    [
        function* () {}, async function () {}, async function* () {}, (function* () {})(), (async function* () {})(),
        [][Symbol.iterator](), ""[Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](),
        "".matchAll(/a/g), [].values().map(silent), Iterator.from({ next: silent }), (function () { return arguments; })(),
    ].forEach(freezeAll);

    const parsed = freeze({});
    const known = new Set(ownKeys(globalThis));
    const count = known.size;
    const topPrototype = getPrototypeOf(globalThis);

    return {
        // Throws the SyntaxError of a text that is no script. What is one is not run: it would first throw `parsed`.
        check: (text) => {
            try {
                eval("throw parsed;" + text);
            } catch (thrown) {
                if (thrown !== parsed) throw thrown;
            }
        },
        // Removes what a call left in the global object; false when that is not possible.
        sweep: () => {
            if (getPrototypeOf(globalThis) !== topPrototype) return false;
            const keys = ownKeys(globalThis);
            if (keys.length === count) return true;
            let clean = true;
            for (const key of keys) if (!known.has(key)) clean = deleteProperty(globalThis, key) && clean;
            return clean;
        },
        // For JSON.stringify: refuses what it would drop or turn into null.
        replacer: (key, value) => {
            switch (typeof value) {
                case "function": throw new NotJson(`a function in "${key}"`);
                case "symbol": throw new NotJson(`a symbol in "${key}"`);
                case "bigint": throw new NotJson(`a BigInt in "${key}"`);
                case "number": if (value - value !== 0) throw new NotJson(`${value} in "${key}"`);
            }
            return value;
        },
    };

    function NotJson(what) { this.notJson = what; }
})()
