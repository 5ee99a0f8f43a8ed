//! Prints the body to its standard output and error, `?times=` each.

use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> String {
    let text = request.text();
    for _ in 0..request.query.number("times", 1) {
        println!("out: {text}");
        eprintln!("err: {text}");
    }
    "printed".into()
}
