//! The small pages a stand-in shows: plain HTML without script, everything from data escaped.

/// Makes text safe inside an element or a double-quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1d2733;background:#fff}\
main{display:block}h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #d5dbe1;overflow-wrap:anywhere;vertical-align:top}\
label{display:block;margin:.6rem 0}input,select{font:inherit;padding:.35rem;width:100%;max-width:32rem;box-sizing:border-box}\
a{color:#1f5fbf}nav a{display:inline-block;padding:.35rem 0;margin-right:1.2rem}nav a[aria-current]{font-weight:600;color:inherit;text-decoration:none}\
.line{display:flex;flex-wrap:wrap;gap:.6rem;align-items:end;margin:.8rem 0}.line label{margin:0}.line input{width:16rem;max-width:100%}.records{font-size:.95rem}.records td{overflow-wrap:break-word;max-width:18rem}summary{cursor:pointer;padding:.4rem 0}\
button{font:inherit;padding:.5rem 1.2rem;margin-right:.6rem;border:1px solid #44566b;border-radius:.3rem;background:#fff;cursor:pointer}\
button.main{background:#1f5fbf;border-color:#1f5fbf;color:#fff}.note{color:#51606f}.card{max-width:34rem;margin:3rem auto;border:1px solid #d5dbe1;border-radius:.5rem;padding:1.5rem 2rem}\
@media(prefers-color-scheme:dark){body{background:#161b22;color:#dde4ea}th,td,.card{border-color:#38424d}.note{color:#a3b0bd}button{background:#222a33;color:#dde4ea}button.main{background:#2f6fd0;color:#fff}a{color:#8ab8f5}input,select{background:#222a33;color:#dde4ea;border:1px solid #55606c}}\
@media(max-width:40rem){body{margin:1rem auto}.records thead{display:none}.records tr{display:block;padding:.6rem 0;border-bottom:1px solid #8a96a3}\
.records td{display:flex;gap:.6rem;border:0;padding:.1rem 0}.records td:empty{display:none}.records td[data-label]::before{content:attr(data-label);flex:0 0 8rem;color:#6b7886}.records a{display:inline-block;padding:.4rem 0}}";

/// A complete page; `title` is escaped here, `body` must already be.
pub(crate) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>",
        escape(title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(escape(r#"<b a="1">&'"#), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
        assert!(page("</title><script>", "").contains("&lt;/title&gt;"));
    }
}
