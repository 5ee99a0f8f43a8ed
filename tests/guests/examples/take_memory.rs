//! Hostile: takes memory until it is refused, then answers with the MiB that it got; with `?insist`
//! it traps instead.

use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> String {
    let mut hoard: Vec<Vec<u8>> = Vec::with_capacity(8192);
    loop {
        let mut block: Vec<u8> = Vec::new();
        if block.try_reserve_exact(1 << 20).is_err() {
            assert!(request.query.get("insist").is_none(), "out of memory");
            return hoard.len().to_string();
        }
        block.resize(1 << 20, 7);
        hoard.push(block);
    }
}
