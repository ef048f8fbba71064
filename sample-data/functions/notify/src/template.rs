//! Templates: text with `{{field}}` for a field of the event and `{{> name}}` for another template.

use kit::json::Value;

const TEMPLATES: &[(&str, &str)] = &[
    ("back-in-stock", include_str!("../templates/back-in-stock.txt")),
    ("footer", include_str!("../templates/footer.txt")),
    ("newsletter", include_str!("../templates/newsletter.txt")),
    ("order-confirmed", include_str!("../templates/order-confirmed.txt")),
    ("order-shipped", include_str!("../templates/order-shipped.txt")),
    ("payment-failed", include_str!("../templates/payment-failed.txt")),
    ("teaser", include_str!("../templates/teaser.txt")),
];

/// Appends the template `name` to `out`, with what `event` holds. Nothing stops templates that contain each other.
pub(crate) fn render(name: &str, event: &Value, out: &mut String) -> Result<(), String> {
    let template = TEMPLATES.iter().find(|(known, _)| *known == name);
    let (_, mut rest) = template.ok_or_else(|| format!("there is no template {name}"))?;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (field, after) = after.split_once("}}").ok_or_else(|| format!("template {name} has an open field"))?;
        match field.strip_prefix("> ") {
            Some(other) => render(other, event, out)?,
            None => show(event, field, out)?,
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(())
}

fn show(event: &Value, field: &str, out: &mut String) -> Result<(), String> {
    match event.field(field) {
        Some(Value::Text(text)) => out.push_str(text),
        Some(Value::Number(number)) => out.push_str(&number.to_string()),
        _ => return Err(format!("the event has no {field} to show")),
    }
    Ok(())
}
