//! Scripts as mappings hold them: what they give, how they fail, and that no call knows of another.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

use std::time::Duration;

use script::{Limits, Owner, Place, Runtime, Script, ScriptError};
use serde_json::{Map, Value, json};

fn place() -> Place {
    Place {
        owner: Owner::Mapping("systemHubspotContact_managedUser".into()),
        property: Some("cn".into()),
        hook: "transform",
    }
}

/// So much time that a loaded machine does not stop a script that is in order.
fn runtime() -> Runtime {
    within(Duration::from_secs(20))
}

fn within(time: Duration) -> Runtime {
    Runtime::new(Limits { memory_bytes: 16 << 20, time }).unwrap()
}

fn compile(runtime: &Runtime, source: &str) -> Result<Script, ScriptError> {
    runtime.compile(place(), source, Map::new())
}

fn run(runtime: &Runtime, source: &str, value: Value) -> Result<Value, ScriptError> {
    compile(runtime, source)?.eval(&[("source", value), ("linkQualifier", json!("default"))])
}

#[test]
fn a_scripts_value_is_that_of_its_last_expression() {
    let person = json!({"givenName": "Ada", "sn": "Lovelace", "mail": null});
    let runtime = runtime();
    for (source, expected) in [
        ("1 + 1", json!(2)),
        ("source.displayName || (source.givenName + ' ' + source.sn);", json!("Ada Lovelace")),
        ("source.sn.toLowerCase()", json!("lovelace")),
        ("!!source.mail", json!(false)),
        ("linkQualifier", json!("default")),
        ("var a = source.sn;\nvar b = a[0];\n  b;\n", json!("L")),
        ("var a = 1; a; // the value; of a", json!(1)),
        ("var a = 1; a; /* b; */ ;; ", json!(1)),
        ("'a;b'", json!("a;b")),
        ("var t = 'x;'; t + ';'", json!("x;;")),
        ("/;/.test(';') ? `;${1};` : 0", json!(";1;")),
        ("// the name\nsource.sn", json!("Lovelace")),
        ("if (source.mail) 'has'; else 'none';", json!("none")),
        ("if (source.mail) { 'has'; } else { 'none' }", json!("none")),
        ("if (source.sn) 'has'; ; var x = 3;", json!("has")),
        ("for (var i = 0; i < 5; i++) i * 2;", json!(8)),
        ("var i = 0; do i++; while (i < 3)", json!(2)),
        ("switch (source.sn) { case 'Lovelace': 7; break; default: 8 }", json!(7)),
        ("try { null.x } catch (e) { e.name }", json!("TypeError")),
        ("function f(x) { return x * 2; } f(4)", json!(8)),
        ("(function () { return source.sn; })()", json!("Lovelace")),
        ("(function () { return source.sn; }());", json!("Lovelace")),
        ("return source.sn;", json!("Lovelace")),
        ("if (!source.mail) { return 'none' }\nreturn source.mail", json!("none")),
        ("if (source.mail) { return 'has' }", json!(null)),
        ("({a: 1, b: [true, null]})", json!({"a": 1, "b": [true, null]})),
        ("var r = {}; r.x = source; r", json!({"x": {"givenName": "Ada", "sn": "Lovelace", "mail": null}})),
        ("{ a: 1 }", json!(1)),
        ("const {sn} = source; let n = [...sn].length; n ?? 0", json!(8)),
        ("let source = 3; source", json!(3)),
        ("var source = source || 5; source.sn", json!("Lovelace")),
        ("total = 4; total * 2", json!(8)),
        ("typeof notDefined", json!("undefined")),
        ("typeof openidm", json!("undefined")),
        ("typeof java + typeof require", json!("undefinedundefined")),
        ("console.log(source); console.error('x'); console.trace(); 1", json!(1)),
        ("", json!(null)),
        ("  // nothing", json!(null)),
        ("undefined", json!(null)),
        ("var x = 1;", json!(null)),
        ("({a: undefined, b: 1})", json!({"b": 1})),
        ("[undefined]", json!([null])),
        ("new Date(0)", json!("1970-01-01T00:00:00.000Z")),
        ("[new String('s'), new Number(2)]", json!(["s", 2])),
        ("1.5", json!(1.5)),
        ("-0", json!(0)),
        ("1700000000000", json!(1_700_000_000_000_i64)),
        ("9007199254740991", json!(9_007_199_254_740_991_i64)),
        ("1e300", json!(1e300)),
        ("'\\u00e9\\ud83d\\ude00\\0'", json!("é😀\0")),
        ("logger.info('hello {}', source.sn); logger.error('x'); 1", json!(1)),
        ("eval('source.sn')", json!("Lovelace")),
        ("this === globalThis", json!(true)),
    ] {
        assert_eq!(run(&runtime, source, person.clone()), Ok(expected), "{source}");
    }
}

#[test]
fn values_arrive_as_they_are() {
    let runtime = runtime();
    let script = compile(&runtime, "source").unwrap();
    for value in [
        json!(null),
        json!(true),
        json!("quote \" backslash \\ line \n nul \0 é 😀 \u{2028}"),
        json!([1, [2, {"a": []}]]),
        json!({"__proto__": {"x": 1}, "constructor": 2, "": 3, "b": 1, "a": 2}),
        json!(-12),
        json!(0.1),
    ] {
        assert_eq!(script.eval(&[("source", value.clone())]), Ok(value));
    }
    let inherits = compile(&runtime, "source.x").unwrap();
    assert_eq!(inherits.eval(&[("source", json!({"__proto__": {"x": 1}}))]), Ok(json!(null)));
}

#[test]
fn a_hook_changes_its_target() {
    let runtime = runtime();
    for (source, value, target) in [
        ("target.dn = 'uid=' + source.id;", json!("uid=7"), json!({"a": 1, "dn": "uid=7"})),
        ("target = {b: 2}; 5", json!(5), json!({"b": 2})),
        ("if (source.id) target.b = 1; else target.c = 1", json!(1), json!({"a": 1, "b": 1})),
        ("delete target.a; return true", json!(true), json!({})),
        (
            "if (source.id) { target.x = 1; return 'early' } target.y = 1",
            json!("early"),
            json!({"a": 1, "x": 1}),
        ),
        ("var target = target; target.b = 2; undefined", json!(null), json!({"a": 1, "b": 2})),
        ("target = undefined", json!(null), json!(null)),
    ] {
        let script = compile(&runtime, source).unwrap();
        let vars = [("source", json!({"id": 7})), ("target", json!({"a": 1}))];
        assert_eq!(
            script.eval_with_outputs(&vars, &["target"]),
            Ok((value.clone(), vec![target.clone()])),
            "{source}"
        );
        let (_, both) = script.eval_with_outputs(&vars, &["target", "source"]).unwrap();
        assert_eq!(both, [target, json!({"id": 7})], "{source}");
        assert_eq!(script.eval(&vars), Ok(value), "{source}");
    }
    let failing = compile(&runtime, "target.f = function () {}; 1").unwrap();
    let error = failing.eval_with_outputs(&[("target", json!({}))], &["target"]).unwrap_err();
    assert!(matches!(error, ScriptError::NotJson { .. }), "{error}");
}

#[test]
fn globals_of_the_script_object_are_visible_unless_a_variable_hides_them() {
    let runtime = runtime();
    let Value::Object(globals) = json!({"domain": "example.com", "list": [1], "source": "hidden", "not-a-name": 1, "class": 2, "a,b": 3, "": 4})
    else {
        unreachable!()
    };
    let script = runtime.compile(place(), "list.push(2); [source, domain, list.length]", globals).unwrap();
    for _ in 0..2 {
        assert_eq!(script.eval(&[("source", json!("seen"))]), Ok(json!(["seen", "example.com", 2])));
    }
    assert_eq!(script.eval(&[]), Ok(json!(["hidden", "example.com", 2])));
}

#[test]
fn errors_name_the_mapping_the_property_and_the_line() {
    let runtime = runtime();
    let prefix = "mapping systemHubspotContact_managedUser, property cn (transform)";
    for (source, expected) in [
        ("null.x", ", line 1: TypeError: cannot read property 'x' of null"),
        (
            "\n\nfoo.bar",
            ", line 3: ReferenceError: foo is not defined; the variables here are source, linkQualifier",
        ),
        ("var a = 1;\nvar b = a;\nb.c.d", ", line 3: TypeError: cannot read property 'd' of undefined"),
        ("var f = function () {\n  throw new Error('no name');\n};\nf();\n1", ", line 2: Error: no name"),
        ("if (true) {\n\n null.x }", ", line 3: TypeError: cannot read property 'x' of null"),
        ("\nvar a = null;\nreturn a.x", ", line 3: TypeError: cannot read property 'x' of null"),
        ("var e = new Error('a');\ne.name = 'Mine'; throw e", ", line 1: Mine: a"),
        ("throw 'plain'", ": plain"),
        ("throw {code: 500, message: 'broken'}", ": broken"),
        ("throw {code: 500}", ": {\"code\":500}"),
        ("throw undefined", ": undefined"),
        ("throw Symbol('s')", ": a symbol"),
        (
            "openidm.read('managed/user/1')",
            ", line 1: `openidm` is not there: a mapping's script sees one record and cannot read, change or decrypt others; map the attribute that it needs",
        ),
        (
            "source.a;\njava.lang.System.out.println(1)",
            ", line 2: `java` is not there: scripts are plain JavaScript without Java classes",
        ),
        (
            "require('fs')",
            ", line 1: `require` is not there: a script cannot load files or modules; put all of its text under `source`",
        ),
        (
            "identityServer.getProperty('x')",
            ", line 1: `identityServer` is not there: put the value that the script needs into its `globals`",
        ),
        ("fetch('http://127.0.0.1/')", ", line 1: `fetch` is not there: scripts have no network"),
        (
            "setTimeout(function () {}, 1)",
            ", line 1: `setTimeout` is not there: a script ends when its last line has run",
        ),
        ("function f() { f() }\nf()", ", line 1: RangeError: Maximum call stack size exceeded"),
    ] {
        match run(&runtime, source, json!({})) {
            Err(error @ ScriptError::Threw { .. }) => {
                assert_eq!(error.to_string(), format!("{prefix}{expected}"))
            }
            other => panic!("{source}: {other:?}"),
        }
    }
    assert_eq!(
        compile(&runtime, "foo").unwrap().eval(&[]).unwrap_err().to_string(),
        format!("{prefix}, line 1: ReferenceError: foo is not defined; there are no variables here")
    );
    // A thrown message may hold a whole record, and a log of a million failures is no place for it.
    let error = run(&runtime, "throw new Error('x'.repeat(1e6))", json!(1)).unwrap_err().to_string();
    assert!(error.ends_with("xxx…") && error.len() < 700, "{}", error.len());
    let whole = Place { owner: Owner::Mapping("m".into()), property: None, hook: "onCreate" };
    assert_eq!(whole.to_string(), "mapping m (onCreate)");
    let connector = Place { owner: Owner::Connector("c".into()), property: Some("s".into()), hook: "script" };
    assert_eq!(connector.to_string(), "connector c, script s");
}

#[test]
fn what_is_no_script_is_refused_before_the_first_call() {
    let runtime = runtime();
    for (source, line) in [
        ("a b", 1),
        ("var a = 1;\nvar b = ;", 2),
        ("1); foo(2", 1),
        ("\n\n}", 3),
        ("return 1; }) ; (() => {", 1),
        ("if (x) {\n", 2),
        ("'open", 1),
        ("import x from 'y'", 1),
        ("await 1", 1),
    ] {
        match compile(&runtime, source).map(|_| ()) {
            Err(ScriptError::Syntax { line: found, message, .. }) => {
                assert_eq!(found, Some(line), "{source}: {message}");
                assert!(message.starts_with("SyntaxError: "), "{message}");
            }
            other => panic!("{source}: {other:?}"),
        }
    }
    let deep = "(".repeat(200_000);
    assert!(compile(&runtime, &deep).is_err());
}

#[test]
fn nothing_runs_while_a_script_is_compiled() {
    let runtime = runtime();
    let script = compile(&runtime, "throw new Error('ran'); while (true);").unwrap();
    assert!(matches!(script.eval(&[]), Err(ScriptError::Threw { .. })));
}

#[test]
fn what_json_cannot_hold_is_an_error() {
    let runtime = runtime();
    for (source, expected) in [
        ("NaN", "NaN"),
        ("1 / 0", "Infinity"),
        ("-1 / 0", "-Infinity"),
        ("(function () {})", "a function"),
        ("class A {}; A", "a function"),
        ("Symbol('s')", "a symbol"),
        ("10n", "a BigInt"),
        ("(async () => 1)()", "a promise"),
        ("'\\ud800'", "half a character"),
        ("['\\ud800']", "JSON cannot hold"),
        ("var a = {}; a.a = a; a", "contains itself"),
        ("({a: [{b: NaN}]})", "NaN in \"b\""),
        ("({a: function () {}})", "a function in \"a\""),
        ("({a: 10n})", "a BigInt in \"a\""),
        ("({toJSON: function () {}})", "toJSON gives nothing"),
        ("var a = []; for (var i = 0; i < 1000; i++) a = [a]; a", "JSON cannot hold"),
    ] {
        match run(&runtime, source, json!(1)) {
            Err(ScriptError::NotJson { what, .. }) => assert!(what.contains(expected), "{source}: {what}"),
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn a_value_that_no_attribute_can_hold_is_refused() {
    let runtime = runtime();
    for (source, taken) in [
        ("'a'.repeat(4 * 1024 * 1024)", true),
        ("'a'.repeat(4 * 1024 * 1024 + 1)", false),
        ("['a'.repeat(4 * 1024 * 1024)]", false),
        ("'é'.repeat(3 * 1024 * 1024)", false),
    ] {
        match run(&runtime, source, json!(1)) {
            Ok(_) => assert!(taken, "{source}"),
            Err(ScriptError::TooLong { bytes, limit_bytes, .. }) => {
                assert!(!taken && bytes > limit_bytes, "{source}")
            }
            Err(other) => panic!("{source}: {other}"),
        }
    }
    assert_eq!(run(&runtime, "source", json!(1)), Ok(json!(1)));
}

/// Whatever a script does, the record fails with its place and the next record's script runs as if nothing had been.
#[test]
fn odd_objects_fail_their_record_only() {
    let runtime = within(Duration::from_millis(250));
    let good = compile(&runtime, "source + 1").unwrap();
    for source in [
        "var o = {toJSON: function () { return {o: o} }}; o",
        "({toJSON: function () { throw new Error('no') }})",
        "({get a() { throw new Error('no') }})",
        "({get a() { return this }})",
        "new Proxy({}, {get: function () { throw 'no' }, ownKeys: function () { return ['a'] }})",
        "new Proxy([], {get: function (t, k) { return k === 'length' ? 4294967295 : 0 }})",
        "var p = Promise.resolve(1); p.then(function () { while (true); }); p",
        "(function* () { while (true) yield 1 })().toArray()",
        "({a: Symbol('s')})",
        "[function () {}]",
        "[[NaN]]",
        "[10n]",
        "var d = new Date(NaN); d.toISOString()",
        "throw null",
        "throw {get message() { throw 1 }}",
        "throw {toJSON: function () { throw 1 }}",
        "throw new Proxy({}, {get: function () { throw 1 }})",
        "decodeURIComponent('%')",
        "source.toLowerCase()",
        "source.x.y",
        "null.x",
        "[].reduce(function () {})",
        "new Array(-1)",
        "(function f() { return [f()] })()",
        "JSON.parse('[' .repeat(1e6))",
        "eval('(')",
        "Function('return (')()",
    ] {
        let error = run(&runtime, source, json!(41)).expect_err(source).to_string();
        assert!(
            error.starts_with("mapping systemHubspotContact_managedUser, property cn (transform)"),
            "{source}: {error}"
        );
        assert_eq!(good.eval(&[("source", json!(41))]), Ok(json!(42)), "after {source}");
    }
}

#[test]
fn a_script_that_is_stopped_says_where() {
    let runtime = within(Duration::from_millis(250));
    for (source, expected) in [
        ("var a = 1;\nwhile (true);\na", ", near line 1: it ran longer than 250 ms"),
        (
            "var f = function (x) { return x };\nif (true) {\n  for (;;) { f(source); }\n}",
            ", near line 3: it ran longer than 250 ms",
        ),
        (
            "var a = [];\n\nfor (;;) a.push('x'.repeat(100000) + a.length)",
            ", near line 3: it used more than 16 MiB",
        ),
    ] {
        let error = run(&runtime, source, json!(1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{source}: {error}");
    }
}

#[derive(Debug, PartialEq)]
enum Stopped {
    Time,
    Memory,
    Either,
}

#[test]
fn a_script_that_takes_too_much_is_stopped_and_the_next_one_runs() {
    use Stopped::{Either, Memory, Time};
    let (patient, hasty) = (runtime(), within(Duration::from_millis(250)));
    for (source, expected) in [
        ("while (true);", Time),
        ("for (;;) try { while (true); } catch (e) {} finally { continue }", Time),
        ("function f() { try { f() } finally { f() } } f()", Time),
        ("/(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')", Time),
        ("new Array(4e9).indexOf(1)", Time),
        ("({toJSON: function () { while (true); }})", Time),
        ("({get a() { while (true); }})", Time),
        ("throw {get message() { while (true); }}", Time),
        ("new Proxy({}, {ownKeys: function () { while (true); }})", Time),
        ("eval('while (true);')", Time),
        ("while (true) x = 1", Time),
        ("'a'.repeat(5e8)", Memory),
        ("var a = []; for (;;) a.push('x' + a.length)", Memory),
        ("var a; for (;;) a = [a]", Memory),
        ("var a = [1]; for (;;) a = a.concat(a)", Memory),
        ("var a = ['aaaaaaaaaa']; for (var i = 0; i < 40; i++) a = [a, a]; a", Either),
        ("for (var i = 0; ; i++) this['g' + i] = i", Either),
    ] {
        let runtime = if expected == Memory { &patient } else { &hasty };
        let good = compile(runtime, "source + 1").unwrap();
        let error = run(runtime, source, json!(1)).unwrap_err();
        match &error {
            ScriptError::TimedOut { .. } => assert!(expected != Memory, "{source}: {error}"),
            ScriptError::OutOfMemory { .. } => assert!(expected != Time, "{source}: {error}"),
            other => panic!("{source}: {other:?}"),
        }
        assert_eq!(good.eval(&[("source", json!(41))]), Ok(json!(42)), "after {source}");
    }
}

#[test]
fn one_call_leaves_nothing_for_the_next() {
    let runtime = runtime();
    for (leave, look) in [
        ("x = 5", "typeof x"),
        ("this.x = 5", "typeof x"),
        ("globalThis.x = 5; Object.freeze(globalThis.x)", "typeof x"),
        ("Object.defineProperty(globalThis, 'x', {value: 5})", "typeof x"),
        (
            "Object.defineProperty(globalThis, 'x', {get: function () { return 5 }, configurable: true})",
            "typeof x",
        ),
        ("Object.setPrototypeOf(globalThis, {x: 5})", "typeof x"),
        ("Object.preventExtensions(globalThis)", "typeof (y = 1) === 'number' ? typeof x : 'fixed'"),
        ("(0, eval)('var x = 5; function x2() {}')", "typeof x"),
        ("Function('x = 5')()", "typeof x"),
        ("Function('return this')().x = 5", "typeof x"),
        ("globalThis[Symbol.for('x')] = 5", "typeof globalThis[Symbol.for('x')]"),
        ("Object.prototype.x = 5", "typeof ({}).x"),
        ("Array.prototype.x = 5", "typeof [].x"),
        ("''.__proto__.x = 5", "typeof 'a'.x"),
        ("logger.x = 5; logger.info.x = 5", "typeof (logger.x || logger.info.x)"),
        ("(function* () {})().__proto__.__proto__.x = 5", "typeof (function* () {})().x"),
        ("[].values().__proto__.x = 5", "typeof [].values().x"),
        ("(async () => 1)().__proto__.x = 5", "typeof (async () => 1)().x"),
        ("Promise.resolve().then(function () { x = 5 }); 1", "typeof x"),
        ("Error.prepareStackTrace = function () { return 5 }", "typeof Error.prepareStackTrace"),
        ("Error.stackTraceLimit = 0", "typeof Error.stackTraceLimit"),
        ("Math.x = 5; JSON.x = 5; Reflect.x = 5", "typeof (Math.x || JSON.x || Reflect.x)"),
        ("var x = 5; function y() {}", "typeof x"),
        ("source.x = 5", "typeof source.x"),
        ("__final.x = 5", "typeof __final.x"),
        ("Map.prototype.x = Set.prototype.x = Date.prototype.x = RegExp.prototype.x = 5", "typeof /a/.x"),
    ] {
        // A script may be refused the attempt; what counts is that nothing is found afterwards.
        let _ = run(&runtime, leave, json!({}));
        assert_eq!(run(&runtime, look, json!({})), Ok(json!("undefined")), "{leave}");
    }
    for (tamper, look, expected) in [
        ("Array.prototype.push = function () { return 'mine' }", "[].push(1)", json!(1)),
        ("Array.isArray = null", "Array.isArray([])", json!(true)),
        ("JSON.stringify = JSON.parse = Object.keys = null", "({a: 1})", json!({"a": 1})),
        ("Object = Array = String = undefined", "typeof Object", json!("function")),
        ("undefined = 5; NaN = 5", "undefined", json!(null)),
        ("Object.prototype.toString = function () { return 'mine' }", "'' + {}", json!("[object Object]")),
        ("String.prototype.toLowerCase = null", "'A'.toLowerCase()", json!("a")),
        ("Function.prototype.call = null", "String.prototype.trim.call(' a ')", json!("a")),
        ("Symbol.prototype.x = 1; Object.freeze = null", "Object.isFrozen(Object.prototype)", json!(true)),
    ] {
        let _ = run(&runtime, tamper, json!({}));
        assert_eq!(run(&runtime, look, json!({})), Ok(expected), "{tamper}");
    }
}

#[test]
fn a_script_keeps_no_state_between_its_own_calls() {
    let runtime = runtime();
    for source in [
        "n = (typeof n === 'undefined' ? 0 : n) + 1; n",
        "if (true) { n = (typeof n === 'undefined' ? 0 : n) + 1; n }",
        "var n; n = (n || 0) + 1; return n",
        "var r = /a/g; r.test('aa'); r.lastIndex",
        "function f() {} f.n = (f.n || 0) + 1; f.n",
        "source.n = (source.n || 0) + 1; source.n",
    ] {
        let script = compile(&runtime, source).unwrap();
        for _ in 0..3 {
            assert_eq!(script.eval(&[("source", json!({}))]), Ok(json!(1)), "{source}");
        }
    }
}

#[test]
fn frozen_prototypes_do_not_forbid_own_properties() {
    let runtime = runtime();
    for (source, expected) in [
        (
            "var counts = {}; counts['constructor'] = 1; counts.toString = 2; counts",
            json!({"constructor": 1, "toString": 2}),
        ),
        ("function P() {} P.prototype.toString = function () { return 'p' }; '' + new P()", json!("p")),
        ("function P() {} P.prototype.constructor = P; new P() instanceof P", json!(true)),
        (
            "class E extends Error { constructor(m) { super(m); this.name = 'E' } } '' + new E('m')",
            json!("E: m"),
        ),
        ("var e = new TypeError('a'); e.message = 'b'; e.message", json!("b")),
        ("Object.prototype.hasOwnProperty.call({a: 1}, 'a')", json!(true)),
        ("Object.assign({}, {toString: 1})", json!({"toString": 1})),
    ] {
        assert_eq!(run(&runtime, source, json!(1)), Ok(expected), "{source}");
    }
}

#[test]
fn one_script_serves_different_variables_and_outlives_its_runtime() {
    let script = {
        let runtime = runtime();
        compile(&runtime, "typeof target === 'undefined' ? source : target").unwrap()
    };
    for _ in 0..2 {
        assert_eq!(script.eval(&[("source", json!(1))]), Ok(json!(1)));
        assert_eq!(script.eval(&[("source", json!(1)), ("target", json!(2))]), Ok(json!(2)));
        assert_eq!(script.eval(&[("target", json!(3)), ("source", json!(1))]), Ok(json!(3)));
    }
}

#[test]
fn an_interpreter_needs_some_memory_to_start() {
    let limits = Limits { memory_bytes: 100_000, ..Limits::default() };
    assert!(matches!(Runtime::new(limits), Err(ScriptError::Start { .. })));
}
