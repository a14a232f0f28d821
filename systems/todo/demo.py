"""Plays a user through the to-do API over HTTPS: `may demo todo`."""

from typing import Any


def play(demo: Any) -> None:
    """Create, list, change and delete to-dos; try what must be refused."""
    todos = demo.outputs["ApiUrl"] + "/todos"
    with demo.step("an empty or earlier list is there"):
        listed = demo.request("GET", todos)
        demo.expect(listed.status == 200, f"GET /todos answered {listed.status}: {listed.body!r}")
    made = []
    for title in ("Buy rice", "Gọi cho mẹ", "Ship Maycloud"):
        with demo.step(f"create “{title}”"):
            answer = demo.request("POST", todos, {"title": title})
            demo.expect(answer.status == 201, f"POST /todos answered {answer.status}: {answer.body!r}")
            todo = answer.json()
            demo.expect(todo["title"] == title and todo["done"] is False, f"got {todo}")
            made.append(todo)
    first = f"{todos}/{made[0]['id']}"
    with demo.step("the newest comes first in the list"):
        newest = [todo["id"] for todo in demo.request("GET", f"{todos}?limit=3").json()["todos"]]
        demo.expect(newest == [todo["id"] for todo in reversed(made)], f"got {newest}")
    with demo.step("pages follow each other"):
        page = demo.request("GET", f"{todos}?limit=1").json()
        after = demo.request("GET", f"{todos}?limit=1&next={page['next']}").json()
        demo.expect(after["todos"][0]["id"] == made[1]["id"], f"got {after}")
    with demo.step("mark the first one done"):
        changed = demo.request("PUT", first, {"done": True}).json()
        demo.expect(changed["done"] is True and changed["title"] == "Buy rice", f"got {changed}")
    with demo.step("read it back"):
        demo.expect(demo.request("GET", first).json() == changed, "another to-do came back")
    with demo.step("a to-do without a title is refused by the API's model"):
        refused = demo.request("POST", todos, {"done": True})
        demo.expect(refused.status == 400, f"answered {refused.status}: {refused.body!r}")
    with demo.step("a body that is not JSON is refused"):
        refused = demo.request("POST", todos, b"{not json")
        demo.expect(refused.status == 400, f"answered {refused.status}: {refused.body!r}")
    with demo.step("an unknown to-do is not found"):
        demo.expect(demo.request("GET", f"{todos}/nothing").status == 404, "it was found")
    with demo.step("the browser may call from another origin"):
        preflight = demo.request("OPTIONS", todos, headers={"Origin": "https://app.example"})
        demo.expect(preflight.headers.get("access-control-allow-origin") == "*", f"got {preflight.headers}")
    with demo.step("delete all three"):
        for todo in made:
            gone = demo.request("DELETE", f"{todos}/{todo['id']}")
            demo.expect(gone.status == 204, f"answered {gone.status}: {gone.body!r}")
        demo.expect(demo.request("GET", first).status == 404, "it is still there")
