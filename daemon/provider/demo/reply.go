package demo

func reply(messages []message) said { return said{content: "x"} }

type said struct{ reasoning, content string }

func tokens(s string) []string { return []string{s} }
