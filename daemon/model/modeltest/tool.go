package modeltest

import "fmt"

// callTool sends a call of the function that is commanded, with its arguments in two pieces.
func (a *answer) callTool() error {
	if a.l.tool == "" {
		return nil
	}
	arguments := a.l.args
	if arguments == "" {
		arguments = "{}"
	}
	half := len(arguments) / 2
	for half > 0 && arguments[half]&0xC0 == 0x80 { // within a character
		half--
	}
	head := fmt.Sprintf(`"id":"call_%d","type":"function","function":{"name":%s,"arguments":%s}`, a.c.N, quote(a.l.tool), quote(arguments[:half]))
	for _, piece := range []string{head, `"function":{"arguments":` + quote(arguments[half:]) + `}`} {
		if err := a.event(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,` + piece + `}]}}]}`); err != nil {
			return err
		}
	}
	return nil
}
