package screen

func (p *pane) picture(name, kind string) {}
